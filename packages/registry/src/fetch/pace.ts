/** What is known of a download at a moment. Times and bytes are sums since some beginning. */
export interface Sample {
  readonly nowMs: number;
  /** Bytes that have arrived. */
  readonly arrived: number;
  /** Bytes that are still to come. */
  readonly left: number;
  /** How long the reader was busy with what it was given. */
  readonly busyMs: number;
  /** How long this process had nothing to do. */
  readonly idleMs: number;
}

const mebibyte = 1024 * 1024;
const windowMs = 400;
/** A connection that is as fast as this is left alone: others would cost more than they bring. */
const fastEnough = 128 * mebibyte;
/** Twice the connections bring twice as much where each has a rate of its own. They stay when they gain this part of that. */
const leastPartOfGain = 0.4;
const restMs = 10_000;
/** What is over sooner is not worth it. */
const worthwhileMs = 1500;
const chunkMs = 1000;
const [leastChunkBytes, mostChunkBytes] = [mebibyte, 8 * mebibyte];

/**
 * Finds out how many connections a download is worth: twice as many as long as the reader waits for the network and the last
 * ones made it faster, as many as before where they did not. It then rests for ten seconds, and tries again: networks change.
 */
export class Pace {
  /** The number of connections to have now. */
  connections = 1;
  /** What one connection should fetch at once: about a second's worth. In bytes. */
  chunkBytes = leastChunkBytes;
  readonly #most: number;
  #begun: Sample | undefined;
  #settling = false;
  /** What there was before the last connections were added. */
  #before: { readonly rate: number; readonly connections: number } | undefined;
  #restsUntilMs = 0;

  constructor(most: number) {
    this.#most = most;
  }

  observe(sample: Sample): void {
    this.#begun ??= sample;
    const { nowMs, arrived, busyMs, idleMs } = this.#begun;
    const elapsedMs = sample.nowMs - nowMs;
    if (elapsedMs < windowMs) return;
    const rate = ((sample.arrived - arrived) / elapsedMs) * 1000;
    const waits = sample.busyMs - busyMs < elapsedMs / 2 && sample.idleMs - idleMs > elapsedMs / 4;
    this.#begun = sample;
    // New connections take a moment to come up to speed.
    if (this.#settling) this.#settling = false;
    else this.#decide(rate, waits && sample.left > (rate * worthwhileMs) / 1000, sample.nowMs);
  }

  /** Connections cannot be had: no more are tried. */
  giveUp(): void {
    this.connections = 1;
    this.#restsUntilMs = Infinity;
  }

  #decide(rate: number, wantsMore: boolean, nowMs: number): void {
    const { connections } = this;
    const ideal = Math.ceil((rate / connections) * (chunkMs / 1000));
    this.chunkBytes = Math.min(Math.max(ideal, leastChunkBytes), mostChunkBytes);
    if (nowMs < this.#restsUntilMs) return;
    const before = this.#before;
    this.#before = undefined;
    if (before && rate < before.rate * (1 + (connections / before.connections - 1) * leastPartOfGain)) {
      this.connections = before.connections;
      this.#restsUntilMs = nowMs + restMs;
    } else if (wantsMore && rate / connections < fastEnough && connections < this.#most) {
      this.connections = Math.min(connections * 2, this.#most);
      this.#before = { rate, connections };
      this.#settling = true;
    }
  }
}
