import { Fault } from "@slipway/fault/fault";
import { parseDate } from "@slipway/fault/precise-date";
import { checkRow, isRecord, type RowShape } from "./row-shape.ts";

const dates = ["createdAt", "updatedAt", "expiresAt"] as const;

/**
 * An object that is kept as JSON, its dates as dates, which has what `shape` says.
 * @throws {Fault} `data_loss` saying what is wrong; which row it is, the store adds
 */
export function parseRow(bytes: Uint8Array, shape: RowShape): Record<string, unknown> {
  const value = parseStored(bytes);
  if (!isRecord(value)) throw new Fault("data_loss", "it is no object");
  for (const name of dates) {
    if (typeof value[name] === "string") value[name] = parseDate(value[name]);
  }
  checkRow(value, shape);
  return value;
}

/** What the store keeps as JSON. Our own: it is checked as far as its bytes go. @throws {Fault} `data_loss` */
export function parseStored(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault("data_loss", "it is not JSON", { cause: error });
  }
}
