/**
 * A date with the nanoseconds that `Date` lacks: for what others read and compare. A client that notes the time before a
 * call must never find a time in the answer that is earlier; one rounded down to milliseconds is.
 */
export class PreciseDate extends Date {
  /** Beyond the millisecond: 0 to 999,999. */
  readonly nanoseconds: number;

  constructor(milliseconds: number, nanoseconds: number) {
    super(milliseconds);
    this.nanoseconds = nanoseconds;
  }

  /** RFC 3339 with nine digits after the point. */
  override toISOString(): string {
    return `${super.toISOString().slice(0, -1)}${String(this.nanoseconds).padStart(6, "0")}Z`;
  }
}

/** The nanoseconds of a date beyond its second: 0 to 999,999,999. */
export function nanosecondsOf(date: Date): number {
  const milliseconds = ((date.getTime() % 1000) + 1000) % 1000;
  return milliseconds * nanosecondsPerMillisecond + (date instanceof PreciseDate ? date.nanoseconds : 0);
}

/** Orders dates, the nanoseconds included; for `sort`. */
export function compareDates(a: Date, b: Date): number {
  return a.getTime() - b.getTime() || nanosecondsOf(a) - nanosecondsOf(b);
}

/** Reads RFC 3339 with as many digits after the point as there are. An invalid date if it is none, as `new Date` gives. */
export function parseDate(text: string): Date {
  const date = new Date(text);
  const beyond = /\.\d{3}(\d{1,6})/.exec(text)?.[1];
  return beyond === undefined ? date : new PreciseDate(date.getTime(), Number(beyond.padEnd(6, "0")));
}

/** The wall clock, in nanoseconds; also after somebody has set it. */
export function now(): PreciseDate {
  const milliseconds = Date.now();
  const sinceTick = performance.now() - tick.at;
  const passed = Math.floor(sinceTick);
  // The two clocks are not read at once: a millisecond may end in between.
  const ahead = tick.milliseconds + passed - milliseconds;
  if (ahead === 0 || ahead === 1) {
    return new PreciseDate(
      milliseconds + ahead,
      Math.floor((sinceTick - passed) * nanosecondsPerMillisecond),
    );
  }
  // The first call, or the clock was set.
  return findTick() ? now() : new PreciseDate(milliseconds, 0);
}

const nanosecondsPerMillisecond = 1_000_000;

/** A moment at which the wall clock went to the next millisecond, by the clock that nobody sets. */
let tick = { milliseconds: Number.NEGATIVE_INFINITY, at: 0 };

/**
 * Watches the wall clock, which Node reads in milliseconds, until it goes on: a millisecond at most. False when it does not
 * (a test's clock), or when the process was interrupted at that moment each time.
 */
function findTick(): boolean {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const [begunAt, begun] = [performance.now(), Date.now()];
    for (let before = begunAt; ;) {
      const milliseconds = Date.now();
      const after = performance.now();
      if (milliseconds !== begun) {
        if (after - before > preciseMs) break;
        // The earliest that it can have been: a time that is a little ahead of the clock's is never before the call.
        tick = { milliseconds, at: before };
        return true;
      }
      if (after - begunAt > longestMs) return false;
      before = after;
    }
  }
  return false;
}
const attempts = 5;
const longestMs = 5;
const preciseMs = 0.01;
