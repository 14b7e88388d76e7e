import { readFileSync } from "node:fs";

/** A file of "key value" lines. */
export type Figures = ReadonlyMap<string, bigint>;

/** A cgroup file with one number; "max" and a missing file are told apart by the defaults. */
export function readNumber(path: string, options: { missing?: bigint; max?: bigint } = {}): bigint {
  const text = readText(path)?.trim();
  if (text === undefined || text === "") return options.missing ?? 0n;
  return text === "max" ? (options.max ?? 0xffff_ffff_ffff_ffffn) : BigInt(text);
}

/** A cgroup file of "key value" lines; empty when it is missing. */
export function readKeyValues(path: string): Figures {
  const values = new Map<string, bigint>();
  for (const line of (readText(path) ?? "").split("\n")) {
    const [key, value] = line.split(" ");
    if (key && value && /^\d+$/.test(value)) values.set(key, BigInt(value));
  }
  return values;
}

/** The file's text, or nothing when there is no such file: a controller may lack it. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
