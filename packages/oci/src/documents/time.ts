import type { JsonField } from "./json-field.ts";
import { quoted } from "./quoted.ts";

const pattern =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Reads a time as Go's time.Time does, which takes RFC 3339 alone; undefined if it is missing or null.
 * @returns the text: a time has nanoseconds, a Date does not
 */
export function readTime(field: JsonField): string | undefined {
  const text = field.text();
  if (text === undefined) return undefined;
  const [, year, month, day] = pattern.exec(text) ?? [];
  const isDay = new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
  if (!isDay) throw field.refuse(`is ${quoted(text)}, not a time as RFC 3339 has it`);
  return text;
}
