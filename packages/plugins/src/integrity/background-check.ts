import type { Logger } from "@slipway/core/plugin";
import type { Bucket, Store } from "@slipway/core/store";
import type { MetadataStores } from "@slipway/core/stores";
import { messageOf } from "@slipway/fault/fault";
import type { PacedChecker } from "./checker.ts";

export interface BackgroundSchedule {
  /** From the end of one check to the next. */
  readonly intervalMs: number;
  /** How fast to read at most; 0 is no limit. */
  readonly bytesPerSecond: number;
}

export interface BackgroundParts {
  readonly checker: PacedChecker;
  readonly stores: MetadataStores;
  /** Remembers when the last check ended: a daemon that is started every day still checks every week. */
  readonly store: Store;
  readonly log: Logger;
}

/** What Node's timers can wait at most. */
const maxDelayMs = 2 ** 31 - 1;
const ends: Bucket<number> = {
  name: "integrity/checks",
  encode: (timeMs) => Buffer.from(String(timeMs)),
  decode: (bytes) => Number(Buffer.from(bytes).toString()),
};

/** Reads everything again every now and then, slowly. */
export class BackgroundCheck implements AsyncDisposable {
  readonly #parts: BackgroundParts;
  readonly #schedule: BackgroundSchedule;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: BackgroundParts, schedule: BackgroundSchedule) {
    this.#parts = parts;
    this.#schedule = schedule;
    this.#plan();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(): void {
    const last = this.#parts.store.read((reader) => reader.get(ends, "last")) ?? 0;
    const sinceMs = Date.now() - last;
    // A check in the future: the clock was set back, and nobody knows how long ago it was.
    const leftMs = sinceMs < 0 ? 0 : this.#schedule.intervalMs - sinceMs;
    const delayMs = Math.min(Math.max(leftMs, 0), maxDelayMs);
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, delayMs).unref();
  }

  async #run(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      await this.#checkAll();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      log.error("failed to check stored images", { error: messageOf(error) });
    }
    // Also after a failure: what fails at once must not be tried again and again.
    await store.update((transaction) => transaction.put(ends, "last", Date.now()));
    if (!this.#stop.signal.aborted) this.#plan();
  }

  async #checkAll(): Promise<void> {
    const { checker, stores, log } = this.#parts;
    const { bytesPerSecond } = this.#schedule;
    const { signal } = this.#stop;
    const pace = bytesPerSecond > 0 ? { bytesPerSecond } : {};
    let [images, damaged] = [0, 0];
    for (const { name } of await stores.namespaces.list()) {
      for await (const { damages } of checker.check(name, [], { signal, ...pace })) {
        images += 1;
        if (damages.length > 0) damaged += 1;
      }
    }
    log.info("checked stored images", { images, damaged });
  }
}
