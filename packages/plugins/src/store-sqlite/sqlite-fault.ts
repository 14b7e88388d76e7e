import { Fault, type FaultCode, messageOf } from "@slipway/fault/fault";

/** Primary result codes, https://www.sqlite.org/rescode.html, and what they mean to who calls. All others: try again later. */
const codes = new Map<number, FaultCode>([
  [8, "failed_precondition"], // READONLY
  [11, "data_loss"], // CORRUPT
  [13, "resource_exhausted"], // FULL
  [26, "data_loss"], // NOTADB
]);
/**
 * FULL, and what else SQLite says when there is no room: IOERR at a quota's end and for its shared memory, CANTOPEN where its
 * log gets no inode.
 */
const fullCodes: readonly number[] = [13, 10, 14];

/** What SQLite failed with, as a fault that names the store; a fault is itself. */
export function storeFault(what: "open" | "read" | "write to", path: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = codes.get(primaryCode(error)) ?? "unavailable";
  const why = code === "data_loss" ? `it is damaged (${messageOf(error)})` : messageOf(error);
  return new Fault(code, `Cannot ${what} store "${path}": ${why}`, { cause: error });
}

/** Whether room on the disk may be what was missing. */
export function mayBeFull(error: unknown): boolean {
  return fullCodes.includes(primaryCode(error));
}

/** Whether SQLite threw it. */
export function isSqliteError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}

/** Without the byte that extended codes have above it. */
function primaryCode(error: unknown): number {
  const { errcode } = (error ?? {}) as { readonly errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : 0;
}
