import type { RecordedEvent } from "@slipway/core/events";
import { Fault } from "@slipway/fault/fault";

/**
 * How many events may wait for one subscriber: containerd sets no bound and grows. Events are shared, so 500
 * subscribers that all stand still hold no more payloads than one does.
 */
const maxQueued = 16_384;

/** One subscriber's queue. It is read once; leaving the iteration ends the subscription. */
export class Subscription implements AsyncIterable<RecordedEvent> {
  #queue: RecordedEvent[] = [];
  #ended: { readonly fault?: Fault } | undefined;
  #wake: () => void = () => {};
  readonly #onEnd: (subscription: Subscription) => void;

  constructor(onEnd: (subscription: Subscription) => void) {
    this.#onEnd = onEnd;
  }

  push(event: RecordedEvent): void {
    this.#queue.push(event);
    if (this.#queue.length >= maxQueued) {
      this.#end(new Fault("resource_exhausted", `subscriber is ${maxQueued} events behind`));
    }
    this.#wake();
  }

  /** What is queued is still given; then the iteration ends. */
  end(): void {
    this.#end();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedEvent> {
    try {
      for (;;) {
        const batch = this.#queue;
        this.#queue = [];
        yield* batch;
        if (this.#queue.length > 0) continue;
        if (this.#ended?.fault) throw this.#ended.fault;
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#end();
    }
  }

  #end(fault?: Fault): void {
    if (this.#ended) return;
    this.#ended = fault ? { fault } : {};
    this.#onEnd(this);
  }
}
