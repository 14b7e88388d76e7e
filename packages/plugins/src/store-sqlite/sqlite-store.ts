import { closeSync, fstatSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Reader, Store, Transaction, UpdateOptions } from "@slipway/core/store";
import { Fault } from "@slipway/fault/fault";
import { allocate } from "@slipway/linux/sparse";
import { checkpoint } from "./checkpoint.ts";
import { GroupSync } from "./group-sync.ts";
import { Reserve } from "./reserve.ts";
import { openDatabase } from "./schema.ts";
import { isSqliteError, mayBeFull, storeFault } from "./sqlite-fault.ts";
import { prepare, SqliteTransaction, type Statements } from "./transaction.ts";

/** The log is copied into the database when it is longer. */
const logBytes = 8 * 1024 * 1024;
/** Who writes faster than the disk takes waits when the log is this long, or it would never start over. */
const logBytesAtMost = 4 * logBytes;
/** The part of the reserve that is for the log. */
const logPart = 1 / 4;
const checkpointRetryMs = 1_000;

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
 *
 * When the disk is full, the store gives its reserve up for updates that add nothing: removals and changes, which is what
 * frees a disk. Updates that add something are refused until there is room for a new reserve.
 */
export class SqliteStore implements Store, AsyncDisposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #logFd: number;
  readonly #sync: GroupSync;
  readonly #reserve: Reserve;
  #checkpoint: Promise<void> | undefined;
  /** When the next one may begin, on the clock of performance.now(). */
  #checkpointAt = 0;
  /** A checkpoint that updates wait for: SQLite starts its log over when a checkpoint has reached the log's end. */
  #gate: Promise<void> | undefined;

  /** As openDatabase(). A full disk takes the reserve: the log and its index are new files at each start. */
  static open(path: string, whyNotEmpty?: () => string | undefined): SqliteStore {
    const reserve = new Reserve(join(dirname(path), "reserve"));
    try {
      return new SqliteStore(path, openDatabase(path, whyNotEmpty), reserve);
    } catch (error) {
      if (!(error instanceof Fault) || !mayBeFull(error.cause) || reserve.spend() === 0) throw error;
      return new SqliteStore(path, openDatabase(path, whyNotEmpty), reserve);
    }
  }

  private constructor(path: string, database: DatabaseSync, reserve: Reserve) {
    this.#path = path;
    this.#database = database;
    this.#reserve = reserve;
    try {
      this.#statements = prepare(database);
      // SQLite makes the log with the first read, and keeps it until the last connection closes.
      this.#statements.get.get("", "");
    } catch (error) {
      database.close();
      throw storeFault("open", path, error);
    }
    this.#logFd = openSync(`${path}-wal`, "r+");
    this.#sync = new GroupSync(this.#logFd);
    // Nothing is written before the commit: an update that finds no room can be repeated.
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_spill = OFF");
    // The file is cut to this when it starts over, so a longer one is one that is used.
    database.exec(`PRAGMA journal_size_limit = ${logBytes}`);
    reserve.hold();
  }

  read<T>(work: (reader: Reader) => T): T {
    try {
      return work(new SqliteTransaction(this.#statements));
    } catch (error) {
      throw isSqliteError(error) ? storeFault("read", this.#path, error) : error;
    }
  }

  /** @throws {Fault} what `work` throws, `resource_exhausted` on a full disk, `unavailable` once a sync has failed */
  async update<T>(
    work: (transaction: Transaction) => T,
    { isFollowed = () => false }: UpdateOptions<T> = {},
  ): Promise<T> {
    if (this.#gate) await this.#gate;
    this.#sync.check();
    this.#reserve.hold();
    const transaction = new SqliteTransaction(this.#statements, this.#reserve.isSpent);
    let result: T;
    try {
      this.#statements.begin.run();
      result = work(transaction);
      this.#commit(transaction);
    } catch (error) {
      throw isSqliteError(error) ? storeFault("write to", this.#path, error) : error;
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

  #commit(transaction: SqliteTransaction): void {
    if (transaction.adds) throw this.#full();
    try {
      this.#statements.commit.run();
    } catch (error) {
      if (!mayBeFull(error)) throw error;
      this.#commitOnFullDisk(transaction, error);
    }
  }

  /** SQLite has rolled the transaction back. */
  #commitOnFullDisk(transaction: SqliteTransaction, cause: unknown): void {
    for (const makeRoom of [() => this.#restartLog(), () => this.#spendReserve()]) {
      makeRoom();
      this.#statements.begin.run();
      transaction.repeat();
      if (transaction.adds) throw this.#full(cause);
      try {
        this.#statements.commit.run();
        return;
      } catch (error) {
        if (!mayBeFull(error)) throw error;
      }
    }
    throw this.#full(cause);
  }

  /** The event loop waits for it, as long as the disk is full: no other room is certain. */
  #restartLog(): void {
    try {
      this.#database.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // The database has to grow for it.
    }
  }

  /** The database takes up to what the log has; then the log begins again in its own blocks, and gets some more. */
  #spendReserve(): void {
    const bytes = this.#reserve.spend() * logPart;
    this.#restartLog();
    try {
      // At once: whoever filled the disk takes what is free.
      if (bytes > 0) allocate(this.#logFd, 0, fstatSync(this.#logFd).size + bytes, true);
    } catch {
      // The commit says whether there is room.
    }
  }

  #full(cause?: unknown): Fault {
    const why = `the file system of "${dirname(this.#path)}" is full; only removals and changes go on`;
    return new Fault("resource_exhausted", `Cannot write to store "${this.#path}": ${why}`, { cause });
  }

  #keepLogShort(): void {
    const { size } = fstatSync(this.#logFd);
    if (size <= logBytes || this.#checkpoint || performance.now() < this.#checkpointAt) return;
    this.#checkpoint = this.#runCheckpoint();
    if (size > logBytesAtMost) this.#gate = this.#checkpoint;
  }

  async #runCheckpoint(): Promise<void> {
    // It fails on a full disk if the database has to grow: until then the log does.
    if (!(await checkpoint(this.#path))) this.#checkpointAt = performance.now() + checkpointRetryMs;
    this.#checkpoint = undefined;
    this.#gate = undefined;
  }
}
