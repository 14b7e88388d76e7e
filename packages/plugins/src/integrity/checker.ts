import type { CheckedImage, IntegrityChecker } from "@slipway/core/integrity";
import type { EventPublisher } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import type { MetadataStores } from "@slipway/core/stores";
import { ImageCheck, type LayerVerifier } from "@slipway/images/check-image";
import { BandwidthLimit } from "@slipway/registry/bandwidth";

export interface CheckerParts {
  readonly stores: MetadataStores;
  /** Those that can tell whether a layer is what it was. */
  readonly snapshotters: readonly string[];
  readonly events: EventPublisher;
  readonly log: Logger;
}

interface PacedOptions {
  readonly signal?: AbortSignal;
  /** How fast to read at most. */
  readonly bytesPerSecond?: number;
}

/** A checker that can be told to be slow. */
export interface PacedChecker extends IntegrityChecker {
  check(namespace: string, names: readonly string[], options?: PacedOptions): AsyncIterable<CheckedImage>;
}

/** Checks what the daemon has stored. Damage is said to who asked, in the log, and to who listens to events. */
export class Checker implements PacedChecker {
  readonly #parts: CheckerParts;

  constructor(parts: CheckerParts) {
    this.#parts = parts;
  }

  async *check(
    namespace: string,
    names: readonly string[],
    { signal, bytesPerSecond }: PacedOptions = {},
  ): AsyncGenerator<CheckedImage> {
    const { stores, snapshotters } = this.#parts;
    const scoped = stores.scoped({ namespace });
    const images =
      names.length === 0
        ? await scoped.images.list()
        : await Promise.all(names.map((name) => scoped.images.get(name)));
    const limit = bytesPerSecond === undefined ? undefined : new BandwidthLimit(bytesPerSecond);
    const check = new ImageCheck({
      content: scoped.content,
      snapshotters: new Map(snapshotters.map((name) => [name, verifierOf(scoped.snapshotter(name))])),
      ...(limit ? { pace: (bytes: number) => limit.take(bytes, signal) } : {}),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(signal ? { signal } : {}),
    });
    for (const image of images) {
      signal?.throwIfAborted();
      const checked = { name: image.name, damages: await check.damages(image) };
      if (checked.damages.length > 0) this.#report(namespace, checked);
      yield checked;
    }
  }

  #report(namespace: string, checked: CheckedImage): void {
    const { events, log } = this.#parts;
    for (const damage of checked.damages)
      log.error("an image is damaged", { namespace, image: checked.name, ...damage });
    events.publish(namespace, "/slipway/images/damaged", checked);
  }
}

function verifierOf(snapshotter: Partial<LayerVerifier>): LayerVerifier {
  return { verify: async (name, options) => await snapshotter.verify?.(name, options) };
}
