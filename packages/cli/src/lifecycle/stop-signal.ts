import { parseSignal } from "@slipway/client/signals";
import type { Labels } from "@slipway/core/labels";

/** nerdctl's label, which containerd's CRI has as well. */
export const stopSignalLabel = "io.containerd.image.config.stop-signal";

/**
 * The number of the signal that asks a container to end. As in Docker, an image's STOPSIGNAL that is empty or is no
 * signal means SIGTERM: the container must be able to stop.
 */
export function stopSignalOf(labels: Labels): number {
  try {
    return parseSignal(labels[stopSignalLabel] || "SIGTERM");
  } catch {
    return parseSignal("SIGTERM");
  }
}
