import { Fault } from "@slipway/fault/fault";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A date, seconds since 1970, or a time ago such as `10m` or `1h30m`, as Docker's `--since` takes them.
 * @throws {Fault} `invalid_argument`
 */
export function parseTime(text: string, now = new Date()): Date {
  if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    const agoMs = parts.reduce((sum, [, value, unit = ""]) => sum + Number(value) * (unitMs[unit] ?? 0), 0);
    return new Date(Math.max(now.getTime() - agoMs, 0));
  }
  const date = /^\d+(\.\d+)?$/.test(text) ? new Date(Number(text) * 1000) : dateOf(text);
  if (!date || Number.isNaN(date.getTime())) {
    const why = "it is neither a date such as 2026-11-28T10:00:00Z nor how long ago, such as 10m";
    throw new Fault("invalid_argument", `Cannot read time "${text}": ${why}`);
  }
  return date;
}

/** RFC 3339, whose end may be missing: then it is this machine's time. `Date` alone takes "-1" for a year. */
function dateOf(text: string): Date | undefined {
  const [, day, time = "T00:00:00", hours = "", zone = ""] =
    /^(\d{4}-\d\d-\d\d)(T(\d\d)(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (day === undefined) return undefined;
  return new Date(`${day}${time === `T${hours}` ? `${time}:00` : time}${zone}`);
}
