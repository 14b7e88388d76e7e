/** Something in use that a later release of containerd does without: its pkg/deprecation. */
export interface Deprecation {
  /** Begins with `io.containerd.deprecation/`. */
  readonly id: string;
  readonly message: string;
  readonly lastOccurrence: Date;
}

/** What this daemon can notice of it, by containerd's ids: programs filter by them. */
const messages = {
  "cgroup-v1":
    "Control groups of version 1 are deprecated since containerd 2.2, whose support ends by May 2029: move the host to version 2.",
} as const;

/** Remembers which deprecated things were used, and when last. */
export class Deprecations {
  readonly #seen = new Map<keyof typeof messages, Date>();

  emit(name: keyof typeof messages): void {
    this.#seen.set(name, new Date());
  }

  list(): Deprecation[] {
    return [...this.#seen].map(([name, lastOccurrence]) => ({
      id: `io.containerd.deprecation/${name}`,
      message: messages[name],
      lastOccurrence,
    }));
  }
}
