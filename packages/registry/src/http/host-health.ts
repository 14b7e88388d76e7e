import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "@slipway/fault/fault";

const maxFailures = 10;
const restMs = 10_000;

/**
 * What is known of a host, by all that speak with it: when it asked to be left alone, and whether it can be reached at all.
 * After ten connections in a row that brought no answer, it is spared for ten seconds: one call at a time makes one attempt,
 * the others fail at once. Any answer ends that, an error too: a host that answers is there.
 */
export class HostHealth {
  static readonly #known = new Map<string, HostHealth>();
  #failures = 0;
  #lastFailure = "";
  #sparedUntilMs = 0;
  #isTried = false;
  #pausedUntilMs = 0;

  static of(origin: string): HostHealth {
    const known = this.#known.get(origin) ?? new HostHealth();
    this.#known.set(origin, known);
    return known;
  }

  /**
   * Begins a call of so many attempts; it ends when the result is disposed of.
   * @throws {Fault} `unavailable` while the host is spared, and another call tries it
   */
  enter(attempts: number): Disposable & { readonly attempts: number } {
    if (performance.now() >= this.#sparedUntilMs) return { attempts, [Symbol.dispose]: () => {} };
    if (this.#isTried) {
      const why = `${this.#lastFailure} (${this.#failures} times in a row)`;
      throw new Fault("unavailable", why);
    }
    this.#isTried = true;
    return { attempts: 1, [Symbol.dispose]: () => (this.#isTried = false) };
  }

  /** Waits as long as the host asked for. */
  async ready(signal?: AbortSignal): Promise<void> {
    const leftMs = this.#pausedUntilMs - performance.now();
    if (leftMs > 0) await delay(leftMs, undefined, signal ? { signal } : {});
  }

  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + forMs);
  }

  answered(): void {
    this.#failures = 0;
    this.#sparedUntilMs = 0;
  }

  /** @param why a whole sentence */
  failed(why: string): void {
    this.#failures += 1;
    this.#lastFailure = why;
    if (this.#failures >= maxFailures) this.#sparedUntilMs = performance.now() + restMs;
  }
}
