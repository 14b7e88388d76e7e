import { Fault } from "@slipway/fault/fault";
import { parseDate } from "@slipway/fault/precise-date";

const dates = ["createdAt", "updatedAt", "expiresAt"] as const;

/** An object that is kept as JSON, its dates as dates. */
export function parseRow(bytes: Uint8Array): Record<string, unknown> {
  const value = parseStored(bytes);
  if (!isRecord(value)) throw damaged("it is no object");
  for (const name of dates) {
    if (typeof value[name] === "string") value[name] = parseDate(value[name]);
  }
  return value;
}

/** What the store keeps as JSON. It is our own: its bytes are checked, the types of its fields are believed. @throws {Fault} `data_loss` */
export function parseStored(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged("it is not JSON", error);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(why: string, cause?: unknown): Fault {
  return new Fault("data_loss", `Cannot read a row of the store: ${why}`, { cause });
}
