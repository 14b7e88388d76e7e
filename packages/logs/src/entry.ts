export type LogStream = "stdout" | "stderr";

export interface LogEntry {
  /** A line with its end, or a part of a line that is longer than an entry may be. */
  readonly log: string;
  readonly stream: LogStream;
  /** RFC 3339, with nine digits after the point in what we write. Entries are in the order of their output, not of the clock. */
  readonly time: string;
}

export function formatEntry({ log, stream, time }: LogEntry): string {
  // The clock's and the stream's letters need no escapes.
  return `{"log":${JSON.stringify(log)},"stream":"${stream}","time":"${time}"}\n`;
}

/**
 * Reads what we, Docker or nerdctl wrote. A power cut may tear a line, or leave NUL bytes in its place, and what was written
 * next may follow on the same line: then that is what is read.
 * @returns undefined for a line that holds no entry
 */
export function parseEntry(line: string): LogEntry | undefined {
  return entryOf(line) ?? entryOf(line.slice(Math.max(line.lastIndexOf(entryStart), 0)));
}
const entryStart = '{"log":';

function entryOf(line: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { log, stream, time } = value as Readonly<Record<string, unknown>>;
  if (typeof log !== "string" || (stream !== "stdout" && stream !== "stderr")) return undefined;
  if (typeof time !== "string" || Number.isNaN(Date.parse(time))) return undefined;
  return { log, stream, time: nineDigits(time) };
}

/** Go leaves zeros at the end of a fraction out. */
function nineDigits(time: string): string {
  // With another offset than UTC's it stays as it is.
  if (!time.endsWith("Z")) return time;
  const [seconds = "", fraction = ""] = time.slice(0, -1).split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}Z`;
}
