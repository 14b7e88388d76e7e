/** One shim has one event on its way at a time; this many shims may send theirs again after a daemon's death. */
const remembered = 1024;

/**
 * What shims handed on lately, so that what is sent again, because the answer got lost with a daemon or a shim, is not told
 * twice. An event is known by all that it consists of, its time included.
 */
export class Forwarded {
  readonly #journal: { latest(count: number): readonly Uint8Array[] } | undefined;
  #seen: Set<string> | undefined;

  /** `journal`: where the events are that the daemon before heard of. */
  constructor(journal: { latest(count: number): readonly Uint8Array[] } | undefined) {
    this.#journal = journal;
  }

  isNew(bytes: Uint8Array): boolean {
    this.#seen ??= new Set(this.#journal?.latest(remembered).map(keyOf));
    const key = keyOf(bytes);
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= remembered) break;
      this.#seen.delete(oldest);
    }
    return true;
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
