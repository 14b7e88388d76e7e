import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "@slipway/fault/fault";

const maxFailures = 10;
const restMs = 10_000;

/**
 * What is known of a host, by all that speak with it: when it asked to be left alone, and whether it works at all.
 * After ten failures in a row new calls fail at once for ten seconds; those under way go on trying.
 */
export class HostHealth {
  static readonly #known = new Map<string, HostHealth>();
  readonly #origin: string;
  #failures = 0;
  #lastFailure = "";
  #openUntilMs = 0;
  #pausedUntilMs = 0;

  private constructor(origin: string) {
    this.#origin = origin;
  }

  static of(origin: string): HostHealth {
    const known = this.#known.get(origin) ?? new HostHealth(origin);
    this.#known.set(origin, known);
    return known;
  }

  /** @throws {Fault} `unavailable` while the host is given a rest */
  check(): void {
    const leftMs = this.#openUntilMs - Date.now();
    if (leftMs <= 0) return;
    const seconds = Math.ceil(leftMs / 1000);
    const why = `it failed ${this.#failures} times in a row and is asked again in ${seconds} s`;
    throw new Fault("unavailable", `Cannot reach ${this.#origin}: ${why}: ${this.#lastFailure}`);
  }

  /** Waits as long as the host asked for. */
  async ready(signal?: AbortSignal): Promise<void> {
    const leftMs = this.#pausedUntilMs - Date.now();
    if (leftMs > 0) await delay(leftMs, undefined, signal ? { signal } : {});
  }

  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, Date.now() + forMs);
  }

  worked(): void {
    this.#failures = 0;
    this.#openUntilMs = 0;
  }

  failed(why: string): void {
    this.#failures += 1;
    this.#lastFailure = why;
    if (this.#failures >= maxFailures) this.#openUntilMs = Date.now() + restMs;
  }
}
