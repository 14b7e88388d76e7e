import type { Bucket, Page, Transaction } from "@slipway/core/store";

/** The keys that were written, by bucket. */
export type Changes = Map<string, Set<string>>;

/** A transaction that says what was written. What is undone later is said, too. */
export class WatchedTransaction implements Transaction {
  readonly #transaction: Transaction;
  readonly #changes: Changes;

  constructor(transaction: Transaction, changes: Changes) {
    this.#transaction = transaction;
    this.#changes = changes;
  }

  get<T>(bucket: Bucket<T>, key: string): T | undefined {
    return this.#transaction.get(bucket, key);
  }

  list<T>(bucket: Bucket<T>, prefix?: string, page?: Page): Iterable<readonly [key: string, value: T]> {
    return this.#transaction.list(bucket, prefix, page);
  }

  put<T>(bucket: Bucket<T>, key: string, value: T): void {
    this.#changed(bucket.name, key);
    this.#transaction.put(bucket, key, value);
  }

  delete<T>(bucket: Bucket<T>, key: string): void {
    this.#changed(bucket.name, key);
    this.#transaction.delete(bucket, key);
  }

  #changed(bucket: string, key: string): void {
    const keys = this.#changes.get(bucket);
    if (keys) keys.add(key);
    else this.#changes.set(bucket, new Set([key]));
  }
}
