import { closeSync, fstatSync, openSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Bucket, Page, Reader, Store, Transaction, UpdateOptions } from "@slipway/core/store";
import { Fault, messageOf } from "@slipway/fault/fault";
import { GroupSync } from "./group-sync.ts";
import { openDatabase } from "./schema.ts";

/** The log is copied into the database when it is longer. */
const logBytes = 8 * 1024 * 1024;
/** Who writes faster than the disk takes waits when the log is this long, or it would never start over. */
const logBytesAtMost = 4 * logBytes;
/** Above every character that a key has. */
const last = "\u{10ffff}";

/**
 * The store in one SQLite file, the only writer of which is this object.
 *
 * A transaction is committed on the calling thread to the write-ahead log, which SQLite leaves unsynced
 * (synchronous=NORMAL: a power cut loses the newest transactions and damages nothing). `update` then waits for a sync of
 * the log on libuv's pool, one for all updates that wait. So an update is durable before its promise resolves, costs the
 * event loop tens of microseconds, and needs no thread: a worker would cost 15 MB. The one sync that the event
 * loop waits for is that of the log's first page, when the log starts over.
 *
 * Reads see committed writes, also those whose sync is still on its way: what a client was answered is among them.
 */
export class SqliteStore implements Store, AsyncDisposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #logFd: number;
  readonly #sync: GroupSync;
  #checkpoint: Promise<void> | undefined;
  /** A checkpoint that updates wait for: SQLite starts its log over when a checkpoint has reached the log's end. */
  #gate: Promise<void> | undefined;

  /** As openDatabase(). */
  static open(path: string, whyNotEmpty?: () => string | undefined): SqliteStore {
    return new SqliteStore(path, openDatabase(path, whyNotEmpty));
  }

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
    this.#statements = prepare(database);
    // SQLite makes the log with the first read, and keeps it until the last connection closes.
    this.#statements.get.get("", "");
    this.#logFd = openSync(`${path}-wal`, "r");
    this.#sync = new GroupSync(this.#logFd);
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
    // The file is cut to this when it starts over, so a longer one is one that is used.
    database.exec(`PRAGMA journal_size_limit = ${logBytes}`);
  }

  read<T>(work: (reader: Reader) => T): T {
    return work(new SqliteTransaction(this.#statements));
  }

  /** @throws {Fault} what `work` throws, `resource_exhausted` on a full disk, `unavailable` once a sync has failed */
  async update<T>(
    work: (transaction: Transaction) => T,
    { isFollowed = () => false }: UpdateOptions<T> = {},
  ): Promise<T> {
    if (this.#gate) await this.#gate;
    this.#sync.check();
    const transaction = new SqliteTransaction(this.#statements);
    this.#statements.begin.run();
    let result: T;
    try {
      result = work(transaction);
      this.#commit();
    } finally {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    }
    // Without writes, too: what was read may be of an update whose sync still runs.
    if (!isFollowed(result)) await this.#sync.flushed();
    if (transaction.wrote) this.#keepLogShort();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sync.idle();
    await this.#checkpoint;
    closeSync(this.#logFd);
    // The last connection to close writes the log into the database and removes it.
    this.#database.close();
  }

  #commit(): void {
    try {
      this.#statements.commit.run();
    } catch (error) {
      const full = (error as { errcode?: number }).errcode === sqliteFull;
      const code = full ? "resource_exhausted" : "unavailable";
      throw new Fault(code, `Cannot write to store "${this.#path}": ${messageOf(error)}`, { cause: error });
    }
  }

  #keepLogShort(): void {
    const { size } = fstatSync(this.#logFd);
    if (size <= logBytes || this.#checkpoint) return;
    this.#checkpoint = this.#runCheckpoint();
    if (size > logBytesAtMost) this.#gate = this.#checkpoint;
  }

  async #runCheckpoint(): Promise<void> {
    await checkpoint(this.#path);
    this.#checkpoint = undefined;
    this.#gate = undefined;
  }
}

/** Never fails: the log grows until the next one. */
async function checkpoint(path: string): Promise<void> {
  const ended = Promise.withResolvers<void>();
  new Worker(new URL("./checkpoint-worker.ts", import.meta.url), {
    workerData: path,
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
  })
    .once("error", () => undefined)
    .once("exit", () => ended.resolve());
  await ended.promise;
}

/** https://www.sqlite.org/rescode.html#full */
const sqliteFull = 13;

interface Statements {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly get: StatementSync;
  readonly list: StatementSync;
  readonly put: StatementSync;
  readonly delete: StatementSync;
}

function prepare(database: DatabaseSync): Statements {
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

class SqliteTransaction implements Transaction {
  readonly #statements: Statements;
  wrote = false;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  get<T>(bucket: Bucket<T>, key: string): T | undefined {
    const row = this.#statements.get.get(bucket.name, key);
    return row && bucket.decode(row["value"] as Uint8Array);
  }

  *list<T>(bucket: Bucket<T>, prefix = "", page?: Page): Iterable<readonly [key: string, value: T]> {
    // All rows at once: a statement that is being stepped through could not be asked again in between.
    const { after = "", limit = -1 } = page ?? {};
    for (const row of this.#statements.list.all(bucket.name, prefix, prefix + last, after, limit)) {
      yield [row["key"] as string, bucket.decode(row["value"] as Uint8Array)];
    }
  }

  put<T>(bucket: Bucket<T>, key: string, value: T): void {
    this.#statements.put.run(bucket.name, key, bucket.encode(value));
    this.wrote = true;
  }

  delete<T>(bucket: Bucket<T>, key: string): void {
    this.#statements.delete.run(bucket.name, key);
    this.wrote = true;
  }
}
