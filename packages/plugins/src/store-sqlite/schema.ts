import { DatabaseSync } from "node:sqlite";
import { Fault } from "@slipway/fault/fault";

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
 * @throws {Fault} `failed_precondition` for a file of a newer Slipway
 */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 1_000 });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > migrations.length) {
    throw new Fault(
      "failed_precondition",
      `Cannot open store "${path}": its schema has version ${version}, and this Slipway knows ${migrations.length}`,
    );
  }
  if (version === migrations.length) return;
  const steps = migrations.slice(version).join(";\n");
  database.exec(`BEGIN IMMEDIATE;\n${steps};\nPRAGMA user_version = ${migrations.length};\nCOMMIT`);
}
