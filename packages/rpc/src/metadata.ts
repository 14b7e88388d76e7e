/**
 * The key-value pairs beside a call: HTTP/2 headers in gRPC, the metadata field in ttrpc.
 * Keys are lower case; a key may have several values.
 */
export class Metadata {
  readonly #values = new Map<string, string[]>();

  constructor(entries: Iterable<readonly [string, string]> = []) {
    for (const [key, value] of entries) this.append(key, value);
  }

  /** The first value of `key`, or nothing. */
  get(key: string): string | undefined {
    return this.#values.get(key.toLowerCase())?.[0];
  }

  getAll(key: string): readonly string[] {
    return this.#values.get(key.toLowerCase()) ?? [];
  }

  append(key: string, value: string): void {
    const name = key.toLowerCase();
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  set(key: string, value: string): void {
    this.#values.set(key.toLowerCase(), [value]);
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const [key, values] of this.#values) for (const value of values) yield [key, value];
  }
}
