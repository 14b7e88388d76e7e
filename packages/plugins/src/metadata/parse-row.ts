import { parseDate } from "@slipway/fault/precise-date";

const dates = ["createdAt", "updatedAt", "expiresAt"] as const;

/** An object that is kept as JSON, its dates as dates. */
export function parseRow(bytes: Uint8Array): Record<string, unknown> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const value = JSON.parse(text) as Record<string, unknown>;
  for (const name of dates) {
    if (typeof value[name] === "string") value[name] = parseDate(value[name]);
  }
  return value;
}
