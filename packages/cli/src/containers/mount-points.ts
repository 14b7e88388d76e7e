import { isEtcFile } from "@slipway/client/etc-files";
import { ownDirectory } from "@slipway/client/host-directories";
import { specFieldOf } from "@slipway/client/spec-any";
import type { Container } from "@slipway/core/containers";
import { readMount } from "@slipway/oci/documents/runtime-spec";

/** A line of Docker's `diff`: A for what is new, C for what was there, D for what is gone. */
export interface Change {
  readonly kind: "A" | "C" | "D";
  /** Absolute, in the container. */
  readonly path: string;
}

/**
 * Leaves out the empty files that a runtime makes where an image has none of /etc/hostname, /etc/hosts and
 * /etc/resolv.conf, to mount the container's own there, and a directory that changed only by them. Docker has those in a
 * layer of their own, below the container's.
 */
export function withoutMountPoints(
  container: Pick<Container, "id" | "labels" | "spec">,
  changes: readonly Change[],
): Change[] {
  const made = mountPointsOf(container);
  const isMade = ({ kind, path }: Change): boolean => kind === "A" && made.has(path);
  const hidden = changes.filter(isMade);
  if (hidden.length === 0) return [...changes];
  const rest = changes.filter((change) => !isMade(change));
  return rest.filter(({ kind, path }) => {
    const isAbove = (one: Change): boolean => one.path !== path && one.path.startsWith(`${path}/`);
    return kind !== "C" || !hidden.some(isAbove) || rest.some(isAbove);
  });
}

function mountPointsOf(container: Pick<Container, "id" | "labels" | "spec">): ReadonlySet<string> {
  if (!container.spec) return new Set();
  const directory = ownDirectory(container);
  const mounts = specFieldOf(container).get("mounts").list(readMount);
  return new Set(mounts.filter((mount) => isEtcFile(directory, mount)).map(({ destination }) => destination));
}
