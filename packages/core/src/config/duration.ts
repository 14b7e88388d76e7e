import { Fault } from "@slipway/fault/fault";

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's durations, such as `1h30m` or `100ms`, in milliseconds. @throws {Fault} `invalid_argument` */
export function parseDuration(text: string): number {
  if (text === "0" || text === "") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.map(([whole]) => whole).join("") !== text) {
    throw new Fault("invalid_argument", `Cannot read "${text}" as a duration`);
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ""] ?? 0), 0);
}
