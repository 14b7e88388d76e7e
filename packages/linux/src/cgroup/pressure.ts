import { readText } from "./files.ts";

/** How long tasks waited for a resource: https://docs.kernel.org/accounting/psi.html */
export interface Pressure {
  /** Some of them did. */
  readonly some?: PressureData;
  /** All of them did at once. */
  readonly full?: PressureData;
}

/** Shares of the last seconds in percent, and all of the time in microseconds. */
export interface PressureData {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

/** A `*.pressure` file. Nothing where the kernel does not measure it. */
export function readPressure(path: string): Pressure | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const [some, full] = [dataOf(text, "some"), dataOf(text, "full")];
  return { ...(some && { some }), ...(full && { full }) };
}

function dataOf(text: string, kind: string): PressureData | undefined {
  const pattern = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)$`, "m");
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, avg10, avg60, avg300, total = "0"] = match;
  return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: BigInt(total) };
}
