import type { Descriptor } from "@slipway/oci/descriptor";
import { Chunk } from "./chunk.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { bodyFrom, type OpenRange, startOf } from "./open-range.ts";
import { Pace } from "./pace.ts";

const maxConnections = 6;
/** A connection that failed may be bad luck; more are a registry that does not want them. */
const maxFailures = 3;
/** Of all downloads of this process together. */
const budget = new MemoryBudget(48 * 1024 * 1024);

/**
 * Fetches parts of a blob over further connections, ahead of the reader. Nothing here fails: where a part does not come, or
 * the registry does not know ranges, the reader fetches the rest itself and hears why it cannot be had.
 */
export class ReadAhead implements Disposable {
  readonly #target: Descriptor;
  readonly #open: OpenRange;
  readonly #leave = new AbortController();
  readonly #signal: AbortSignal;
  readonly #pace = new Pace(maxConnections);
  /** In order, without gaps between them; the first begins at or after the reader. */
  readonly #chunks: Chunk[] = [];
  #reading: Chunk | undefined;
  #loading = 0;
  #failures = 0;
  #busyMs = 0;

  constructor(target: Descriptor, open: OpenRange, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#open = open;
    this.#signal = signal ? AbortSignal.any([signal, this.#leave.signal]) : this.#leave.signal;
  }

  /** Where what was fetched ahead begins. */
  get start(): number | undefined {
    return this.#chunks[0]?.start;
  }

  /** Where what was fetched ahead begins, for a reader who comes to `to` by itself: what has not come by then is given up. */
  startBeyond(to: number): number | undefined {
    for (let [first] = this.#chunks; first && first.start <= to && !first.hasBegun; [first] = this.#chunks) {
      first.giveUp();
      this.#forget(this.#chunks.shift());
    }
    return this.start;
  }

  /** The part that begins at an offset. It may end early: its connection broke. */
  take(at: number): AsyncIterable<Uint8Array> | undefined {
    this.#forget(this.#reading);
    this.#reading = this.#chunks[0]?.start === at ? this.#chunks.shift() : undefined;
    return this.#reading;
  }

  /** Starts what is worth it, when the reader is at an offset and was busy for a time with what it was given last. */
  adjust(at: number, busyMs: number, readsItself: boolean): void {
    const waiting = this.#chunks.reduce((sum, chunk) => sum + chunk.waiting, this.#reading?.waiting ?? 0);
    this.#busyMs += busyMs;
    const { idle } = performance.eventLoopUtilization();
    const [nowMs, arrived] = [performance.now(), at + waiting];
    const { size } = this.#target;
    const left = size - arrived;
    this.#pace.observe({ nowMs, arrived, left, busyMs: this.#busyMs, idleMs: idle });
    const { connections, chunkBytes } = this.#pace;
    const helpers = readsItself ? connections - 1 : connections > 1 ? connections : 0;
    while (this.#loading < helpers && this.#chunks.length <= connections) {
      const last = this.#chunks.at(-1) ?? this.#reading;
      // The reader's own connection goes on until there.
      const start = last?.end ?? at + chunkBytes;
      // What would be left for a request of its own at the end comes along.
      const end = size - start < chunkBytes * 1.5 ? size : start + chunkBytes;
      if (end - start < chunkBytes / 2 || !budget.tryTake(end - start)) return;
      void this.#load(this.#add(new Chunk(start, end)));
    }
  }

  [Symbol.dispose](): void {
    this.#leave.abort();
    for (const chunk of [this.#reading, ...this.#chunks.splice(0)]) this.#forget(chunk);
    this.#reading = undefined;
  }

  #add(chunk: Chunk): Chunk {
    this.#chunks.push(chunk);
    return chunk;
  }

  #forget(chunk: Chunk | undefined): void {
    if (chunk) budget.giveBack(chunk.end - chunk.start);
  }

  async #load(chunk: Chunk): Promise<void> {
    this.#loading += 1;
    try {
      const response = await this.#open(chunk.start, {
        end: chunk.end,
        // Not counted against the host: it may be right to refuse.
        retries: false,
        signal: this.#signal,
      });
      if (response.statusCode !== 206 || startOf(response, chunk.start) !== chunk.start) {
        response.destroy();
        this.#pace.giveUp();
        return;
      }
      for await (const piece of bodyFrom(response, this.#target, chunk.start)) if (!chunk.push(piece)) break;
    } catch {
      // The reader asks for it again, and is told.
    } finally {
      if (chunk.missing > 0 && !chunk.isGivenUp) this.#failures += 1;
      if (this.#failures >= maxFailures) this.#pace.giveUp();
      chunk.finish();
      this.#loading -= 1;
      // The reader's own connection need not end where there is nothing.
      while (this.#chunks.at(-1)?.isEmpty) this.#forget(this.#chunks.pop());
    }
  }
}
