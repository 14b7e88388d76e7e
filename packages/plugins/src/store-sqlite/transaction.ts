import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { Bucket, Page, Transaction } from "@slipway/core/store";

/** Above every character that a key has. */
const last = "\u{10ffff}";

export interface Statements {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly get: StatementSync;
  readonly list: StatementSync;
  readonly put: StatementSync;
  readonly delete: StatementSync;
}

export function prepare(database: DatabaseSync): Statements {
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    get: database.prepare("SELECT value FROM objects WHERE bucket = ? AND key = ?"),
    list: database.prepare(
      "SELECT key, value FROM objects WHERE bucket = ? AND key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?",
    ),
    put: database.prepare(
      `INSERT INTO objects (bucket, key, value) VALUES (?, ?, ?)
       ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value`,
    ),
    delete: database.prepare("DELETE FROM objects WHERE bucket = ? AND key = ?"),
  };
}

/** A write, to be made again. Without a value the row is deleted. */
interface Write {
  readonly bucket: string;
  readonly key: string;
  readonly value?: Uint8Array;
}

export class SqliteTransaction implements Transaction {
  readonly #statements: Statements;
  readonly #writes: Write[] = [];
  #notesKeys: boolean;
  #adds = false;

  /** @param notesKeys whether `adds` is going to be asked for: it costs a look at each key */
  constructor(statements: Statements, notesKeys = false) {
    this.#statements = statements;
    this.#notesKeys = notesKeys;
  }

  /** Whether some key was not there before, if keys are noted. */
  get adds(): boolean {
    return this.#adds;
  }

  get wrote(): boolean {
    return this.#writes.length > 0;
  }

  get<T>(bucket: Bucket<T>, key: string): T | undefined {
    const row = this.#statements.get.get(bucket.name, key);
    return row && decoded(bucket, key, row["value"]);
  }

  *list<T>(bucket: Bucket<T>, prefix = "", page?: Page): Iterable<readonly [key: string, value: T]> {
    // All rows at once: a statement that is being stepped through could not be asked again in between.
    const { after = "", limit = -1 } = page ?? {};
    for (const row of this.#statements.list.all(bucket.name, prefix, prefix + last, after, limit)) {
      const key = String(row["key"]);
      yield [key, decoded(bucket, key, row["value"])];
    }
  }

  put<T>(bucket: Bucket<T>, key: string, value: T): void {
    this.#write({ bucket: bucket.name, key, value: bucket.encode(value) });
  }

  delete<T>(bucket: Bucket<T>, key: string): void {
    this.#write({ bucket: bucket.name, key });
  }

  /** Makes the writes again, after they were rolled back, and notes keys. */
  repeat(): void {
    this.#notesKeys = true;
    for (const write of this.#writes.splice(0)) this.#write(write);
  }

  #write(write: Write): void {
    const { bucket, key, value } = write;
    if (this.#notesKeys && value) this.#adds ||= this.#statements.get.get(bucket, key) === undefined;
    if (value) this.#statements.put.run(bucket, key, value);
    else this.#statements.delete.run(bucket, key);
    this.#writes.push(write);
  }
}

/** A row that was damaged, or edited by hand, is named: whoever reads the message can look for it. */
function decoded<T>(bucket: Bucket<T>, key: string, value: unknown): T {
  try {
    if (!(value instanceof Uint8Array)) throw new Fault("data_loss", "its value is no blob");
    return bucket.decode(value);
  } catch (error) {
    const why = messageOf(error);
    throw new Fault("data_loss", `Cannot read row "${key}" of "${bucket.name}" in the database: ${why}`, {
      cause: error,
    });
  }
}
