export type LogStream = "stdout" | "stderr";

export interface LogEntry {
  /** A line with its end, or a part of a line that is longer than an entry may be. */
  readonly log: string;
  readonly stream: LogStream;
  /** RFC 3339 in UTC with nine digits after the point: such times sort as text. */
  readonly time: string;
}

export function formatEntry({ log, stream, time }: LogEntry): string {
  // The clock's and the stream's letters need no escapes.
  return `{"log":${JSON.stringify(log)},"stream":"${stream}","time":"${time}"}\n`;
}

/** Reads what we, Docker or nerdctl wrote. Nothing for a line that a crash has torn. */
export function parseEntry(line: string): LogEntry | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as LogEntry;
    return { log, stream, time: nineDigits(time) };
  } catch {
    return undefined;
  }
}

/** Go leaves zeros at the end of a fraction out. */
function nineDigits(time: string): string {
  const [seconds = "", fraction = ""] = time.replace(/Z$/, "").split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}Z`;
}

const nanosecondsPerMillisecond = 1_000_000;

/** Times that only grow: they tell entries apart, and what was read from what was not. */
export class LogClock {
  #milliseconds = 0;
  #nanoseconds = 0;
  #prefix = "";

  next(now = Date.now()): string {
    if (now > this.#milliseconds) this.#set(now);
    else if (++this.#nanoseconds === nanosecondsPerMillisecond) this.#set(this.#milliseconds + 1);
    return `${this.#prefix}${this.#nanoseconds.toString().padStart(6, "0")}Z`;
  }

  #set(milliseconds: number): void {
    this.#milliseconds = milliseconds;
    this.#nanoseconds = 0;
    this.#prefix = new Date(milliseconds).toISOString().slice(0, -1);
  }
}
