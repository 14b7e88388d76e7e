import { DatabaseSync } from "node:sqlite";
import { Fault } from "@slipway/fault/fault";
import { checkLogHeader } from "./log-header.ts";
import { storeFault } from "./sqlite-fault.ts";

/** What brings the file from each version to the next. Appended to, never changed: old files replay the rest. */
const migrations: readonly string[] = [
  // With row ids: values of a kilobyte and more would make a tree without them several times as large.
  `CREATE TABLE objects (
     bucket TEXT NOT NULL,
     key    TEXT NOT NULL,
     value  BLOB NOT NULL,
     PRIMARY KEY (bucket, key)
   ) STRICT`,
  // Containers' rows have bytes after their JSON; those of version 1 are read as they are.
  "",
];

/**
 * Opens the store's file and brings its schema up to date.
 * @param whyNotEmpty why there must have been something in the store, if there must
 * @throws {Fault} `failed_precondition` for a file of a newer Slipway or one that lost everything, `data_loss` for a damaged
 *   one
 */
export function openDatabase(
  path: string,
  whyNotEmpty: () => string | undefined = () => undefined,
): DatabaseSync {
  checkLogHeader(`${path}-wal`);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 1_000 });
    const version = versionOf(database, path);
    if (version === 0) checkNew(database, path, whyNotEmpty);
    else checkPages(database);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, version);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw storeFault("open", path, error);
  }
}

function versionOf(database: DatabaseSync, path: string): number {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version <= migrations.length) return version;
  throw new Fault(
    "failed_precondition",
    `Cannot open store "${path}": its schema has version ${version}, and this Slipway knows ${migrations.length}`,
  );
}

/** An empty store forgets every name, and what has no name is garbage. */
function checkNew(database: DatabaseSync, path: string, whyNotEmpty: () => string | undefined): void {
  if (database.prepare("SELECT 1 FROM sqlite_schema").get() !== undefined)
    throw new Fault("failed_precondition", `Cannot open store "${path}": it is another program's`);
  const why = whyNotEmpty();
  if (why === undefined) return;
  throw new Fault(
    "failed_precondition",
    `Cannot open store "${path}": it is missing or empty, but ${why}. Restore it, or move that away to begin anew`,
  );
}

/** Damage that a list comes upon later would end it in the middle, or leave some of it out. */
function checkPages(database: DatabaseSync): void {
  const { page_count: pages } = database.prepare("PRAGMA page_count").get() ?? {};
  const found = Number(pages) <= thoroughPages ? quickCheck(database) : compareTrees(database);
  if (found !== "ok") throw Object.assign(new Error(found), { errcode: SQLITE_CORRUPT });
}
/** 16 MB, which are checked in 30 ms. */
const thoroughPages = 4096;
const SQLITE_CORRUPT = 11;

function quickCheck(database: DatabaseSync): string {
  return String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
}

/** Reads every page of the table's tree and of its index, a tenth of the time. */
function compareTrees(database: DatabaseSync): string {
  const [indexed, rows] = ["", " NOT INDEXED"].map((how) =>
    Number(database.prepare(`SELECT count(*) AS count FROM objects${how}`).get()?.["count"]),
  );
  return indexed === rows ? "ok" : `the index has ${indexed} of ${rows} rows`;
}

function migrate(database: DatabaseSync, version: number): void {
  if (version === migrations.length) return;
  const steps = migrations.slice(version).join(";\n");
  database.exec(`BEGIN IMMEDIATE;\n${steps};\nPRAGMA user_version = ${migrations.length};\nCOMMIT`);
}
