/** How long to wait before a container is started again: Docker's rule, so that one that fails at once cannot hog. */
export class Backoff {
  #delayMs = 0;

  /** Milliseconds to wait now. `ranMs`: how long it ran; undefined when nobody knows. */
  next(ranMs: number | undefined): number {
    const ranWell = ranMs === undefined || ranMs >= LONG_ENOUGH_MS;
    this.#delayMs = ranWell || this.#delayMs === 0 ? FIRST_MS : Math.min(this.#delayMs * 2, LONGEST_MS);
    return this.#delayMs;
  }
}
const FIRST_MS = 100;
const LONGEST_MS = 60_000;
const LONG_ENOUGH_MS = 10_000;
