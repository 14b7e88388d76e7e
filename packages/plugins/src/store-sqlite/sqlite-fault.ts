import { Fault, type FaultCode, messageOf } from "@slipway/fault/fault";

/** Primary result codes, https://www.sqlite.org/rescode.html, and what they mean to who calls. All others: try again later. */
const codes = new Map<number, FaultCode>([
  [8, "failed_precondition"], // READONLY
  [11, "data_loss"], // CORRUPT
  [13, "resource_exhausted"], // FULL
  [26, "data_loss"], // NOTADB
]);

/** What SQLite failed with, as a fault that names the store; a fault is itself. */
export function storeFault(what: "open", path: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = codes.get(primaryCode(error)) ?? "unavailable";
  const why = code === "data_loss" ? `it is damaged (${messageOf(error)})` : messageOf(error);
  return new Fault(code, `Cannot ${what} store "${path}": ${why}`, { cause: error });
}

/** Without the byte that extended codes have above it. */
function primaryCode(error: unknown): number {
  const { errcode } = (error ?? {}) as { readonly errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : 0;
}
