import { Fault } from "@slipway/fault/fault";

const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Memory in bytes as Docker prints it: powers of 1,024, four significant digits (`23.54GiB`). */
export function formatMemory(bytes: number): string {
  return inUnits(bytes, binaryUnits, { step: 1024, digits: 4 });
}

/** A size in bytes as Docker prints it: powers of 1,000, three significant digits (`4.26MB`). */
export function formatSize(bytes: number): string {
  return inUnits(bytes, decimalUnits, { step: 1000, digits: 3 });
}

/** In the largest unit of which there is one at least; each is `step` times the one before. */
function inUnits(
  bytes: number,
  units: readonly string[],
  { step, digits }: { readonly step: number; readonly digits: number },
): string {
  let value = bytes;
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit] ?? "B"}`;
}

/**
 * Reads `512m`, `1.5g`, `64KiB` or plain bytes, in powers of 1,024 as Docker reads them.
 * @param flag is named in the error
 * @throws {Fault} `invalid_argument`
 */
export function readSize(flag: string, text: string): number {
  const size = parseSize(text);
  if (size !== undefined) return size;
  throw new Fault("invalid_argument", `Cannot read ${flag} "${text}": it is not a size such as 512m`);
}

/** As `readSize`; undefined for what is not a size, or larger than any that can be counted exactly. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
