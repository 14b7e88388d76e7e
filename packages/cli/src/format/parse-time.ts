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
    return new Date(now.getTime() - agoMs);
  }
  if (/^\d+(\.\d+)?$/.test(text)) return new Date(Number(text) * 1000);
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new Fault("invalid_argument", `Cannot read time "${text}"`);
  return date;
}
