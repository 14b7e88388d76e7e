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

/** Go counts nanoseconds in 63 bits: 292 years. */
const maxMs = (2 ** 63 - 1) / 1e6;

/**
 * As `parseDuration`; `what` names in the error what is read, such as `--health-interval`, and nothing is no duration.
 * @throws {Fault} `invalid_argument`
 */
export function readDuration(what: string, text: string): number {
  const milliseconds = durationIn(text);
  if (milliseconds !== undefined && text !== "") return milliseconds;
  throw new Fault("invalid_argument", `Cannot read ${what} "${text}": it is not a duration such as 1m30s`);
}

/** Go's durations, such as `1h30m` or `100ms`, in milliseconds. @throws {Fault} `invalid_argument` */
export function parseDuration(text: string): number {
  const milliseconds = durationIn(text);
  if (milliseconds === undefined) {
    throw new Fault("invalid_argument", `Cannot read "${text}" as a duration`);
  }
  return milliseconds;
}

function durationIn(text: string): number | undefined {
  if (text === "0" || text === "") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.map(([whole]) => whole).join("") !== text) return undefined;
  const sum = parts.reduce((all, [, number, unit]) => all + Number(number) * (unitMs[unit ?? ""] ?? 0), 0);
  return sum <= maxMs ? sum : undefined;
}
