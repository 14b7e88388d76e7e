import type { Scope } from "@slipway/core/stores";

const maxScopes = 64;

/**
 * Who unpacks an image: clients prepare a snapshot for a layer before they fetch it, under the same lease, and what they
 * fetch then are layers to be applied.
 */
export class Extractions {
  /** Snapshotters by lease. The one that was noted last is last. */
  readonly #snapshotters = new Map<string, string>();

  note(scope: Scope, snapshotter: string): void {
    const key = keyOf(scope);
    if (key === undefined) return;
    this.#snapshotters.delete(key);
    this.#snapshotters.set(key, snapshotter);
    const [oldest] = this.#snapshotters.keys();
    if (this.#snapshotters.size > maxScopes && oldest !== undefined) this.#snapshotters.delete(oldest);
  }

  /** What the layers that come under the lease are unpacked into; nothing when nobody unpacks. */
  snapshotterOf(scope: Scope): string | undefined {
    return this.#snapshotters.get(keyOf(scope) ?? "");
  }
}

// Without a lease nothing says that a layer belongs to the snapshot.
function keyOf({ namespace, lease }: Scope): string | undefined {
  return lease === undefined ? undefined : `${namespace}/${lease}`;
}
