// The object, not its function: a test puts a clock of its own there.
import timers from "node:timers/promises";

/** Lets so many bytes a second through, of all that share it. */
export class BandwidthLimit {
  readonly #bytesPerMs: number;
  #freeAtMs = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Waits until the bytes before these have had their time. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now();
    const waitMs = this.#freeAtMs - now;
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + bytes / this.#bytesPerMs;
    if (waitMs > 0) await timers.setTimeout(Math.ceil(waitMs), undefined, signal ? { signal } : {});
  }
}
