import type { GarbageCollector } from "@slipway/core/gc";
import type { Logger } from "@slipway/core/plugin";

export interface Schedule {
  /** The share of time that scheduled collections may take, up to a half. */
  readonly pauseThreshold: number;
  /** So many deletions make a collection due at once; 0: deletions wait for the next one. */
  readonly deletionThreshold: number;
  /** So many changes make the next collection happen also without a deletion; 0: never. */
  readonly mutationThreshold: number;
  readonly scheduleDelayMs: number;
  /** 0: no first collection after the start. */
  readonly startupDelayMs: number;
}

const minimumCollectionMs = 5;
const firstIntervalMs = 1_000;
/** What Node's timers can wait at most. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * Collects after deletions and many changes, and so seldom that the metadata is free most of the time.
 * containerd's plugins/gc/scheduler.go.
 */
export class Scheduler implements AsyncDisposable {
  readonly #garbage: GarbageCollector;
  readonly #schedule: Schedule;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** When the next collection is due, on the clock of performance.now(). */
  #nextAt: number | undefined;
  #collecting: Promise<void> | undefined;
  #stopped = false;
  #collected = false;
  #deletions = 0;
  #mutations = 0;
  #intervalMs = firstIntervalMs;
  #totalMs = 0;
  #collections = 0;

  constructor(garbage: GarbageCollector, schedule: Schedule, log: Logger) {
    this.#garbage = garbage;
    this.#schedule = schedule;
    this.#log = log;
    garbage.onMutation((dirty) => this.#changed(dirty));
    if (schedule.startupDelayMs > 0) this.#collectIn(schedule.startupDelayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#collecting;
  }

  #changed(dirty: boolean): void {
    this.#mutations++;
    if (dirty) this.#deletions++;
    if (!this.#isDueEarly()) {
      if (this.#nextAt === undefined && this.#deletions > 0) this.#collectIn(this.#intervalMs);
      return;
    }
    const { scheduleDelayMs } = this.#schedule;
    if (this.#nextAt === undefined || this.#nextAt > performance.now() + scheduleDelayMs) {
      this.#collectIn(scheduleDelayMs);
    }
  }

  #isDueEarly(): boolean {
    const { deletionThreshold, mutationThreshold } = this.#schedule;
    if (deletionThreshold > 0 && this.#deletions >= deletionThreshold) return true;
    if (this.#nextAt !== undefined) return false;
    return (
      (deletionThreshold === 0 && this.#deletions > 0) ||
      (mutationThreshold > 0 && this.#mutations >= mutationThreshold)
    );
  }

  #collectIn(delayMs: number): void {
    if (this.#stopped || this.#collecting) return;
    clearTimeout(this.#timer);
    this.#nextAt = performance.now() + delayMs;
    this.#timer = setTimeout(() => this.#due(), Math.min(delayMs, maxDelayMs)).unref();
  }

  #due(): void {
    const { mutationThreshold } = this.#schedule;
    const enough = mutationThreshold > 0 && this.#mutations >= mutationThreshold;
    if (this.#collected && this.#deletions === 0 && !enough) {
      // Nothing to do, so nothing is due: the next deletion, or enough changes, makes it so.
      this.#nextAt = undefined;
      return;
    }
    this.#collecting = this.#collect();
  }

  async #collect(): Promise<void> {
    this.#deletions = 0;
    this.#mutations = 0;
    let nextMs: number;
    try {
      const { elapsedMs } = await this.#garbage.collect();
      this.#totalMs += elapsedMs;
      this.#collections++;
      this.#intervalMs = this.#interval();
      nextMs = this.#intervalMs;
    } catch (error) {
      this.#log.error("garbage collection failed", { error });
      nextMs = this.#intervalMs + firstIntervalMs;
      this.#deletions++;
    }
    this.#collected = true;
    this.#collecting = undefined;
    this.#collectIn(nextMs);
  }

  /** So long that collections of the average duration take no more than their share. */
  #interval(): number {
    const { pauseThreshold } = this.#schedule;
    if (pauseThreshold === 0) return this.#intervalMs;
    const average = Math.max(this.#totalMs / this.#collections, minimumCollectionMs);
    return average / pauseThreshold - average;
  }
}
