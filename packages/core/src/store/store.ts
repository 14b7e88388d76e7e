/** A named collection of values by key, and how they become bytes. */
export interface Bucket<T> {
  /** Chosen once: it names the collection on the disk. */
  readonly name: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** At most `limit` of those whose keys come after `after`. */
export interface Page {
  readonly after: string;
  readonly limit: number;
}

export interface Reader {
  get<T>(bucket: Bucket<T>, key: string): T | undefined;
  /** All whose key begins with `prefix`, in the order of their keys' bytes; or a page of them. */
  list<T>(bucket: Bucket<T>, prefix?: string, page?: Page): Iterable<readonly [key: string, value: T]>;
}

export interface Transaction extends Reader {
  put<T>(bucket: Bucket<T>, key: string, value: T): void;
  delete<T>(bucket: Bucket<T>, key: string): void;
}

export interface UpdateOptions<T> {
  /**
   * Whether the caller goes on to another update, and waits for that: then this one resolves when it is visible. Updates
   * become durable in their order.
   */
  readonly isFollowed?: (result: T) => boolean;
}

/**
 * The daemon's embedded transactional store. `work` is synchronous: nothing comes between its reads and writes. What it
 * throws undoes it.
 */
export interface Store {
  /** Sees everything that was acknowledged. */
  read<T>(work: (reader: Reader) => T): T;
  /** Resolves when the writes are durable: they survive a power cut. */
  update<T>(work: (transaction: Transaction) => T, options?: UpdateOptions<T>): Promise<T>;
}
