import { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";

/* Copies the write-ahead log into the database, and syncs both: the one slow step, so it has a thread while it lasts. */
const database = new DatabaseSync(String(workerData));
database.exec("PRAGMA wal_checkpoint(PASSIVE)");
database.close();
