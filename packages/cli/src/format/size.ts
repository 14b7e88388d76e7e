const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Memory in bytes as Docker prints it: powers of 1,024, four significant digits (`23.54GiB`). */
export function formatMemory(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${binaryUnits[unit] ?? "B"}`;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** A size in bytes as Docker prints it: powers of 1,000, three significant digits (`4.26MB`). */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${units[unit] ?? "B"}`;
}

/**
 * Reads `512m`, `1.5g`, `64KiB` or plain bytes, in powers of 1,024 as Docker reads them.
 * Gives nothing for what is not a size.
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}
