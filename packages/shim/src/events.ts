import { setImmediate } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any } from "@bufbuild/protobuf/wkt";
import { type Envelope, EnvelopeSchema } from "@slipway/api/containerd/types/types_pb";
import { now } from "@slipway/fault/precise-date";
import { toTimestamp } from "@slipway/rpc/timestamp";

interface Waiting {
  readonly envelope: Envelope;
  readonly onSent: () => void;
}

/** Sends one event to the daemon; rejects when it did not arrive. */
export type ForwardEvent = (envelope: Envelope) => Promise<void>;

/** A message in an Any, with containerd's type URL: the bare name. */
export function packAny<S extends DescMessage>(
  schema: S,
  message: MessageInitShape<S>,
): Pick<Any, "typeUrl" | "value"> {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, message)) };
}

/**
 * Publishes events to the daemon one after the other, in the order they happened. While the daemon is away (it
 * restarts) they wait; a bound keeps a daemon that never returns from filling our memory.
 */
export class EventPublisher {
  readonly #namespace: string;
  readonly #forward: ForwardEvent;
  readonly #queue: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(namespace: string, forward: ForwardEvent) {
    this.#namespace = namespace;
    this.#forward = forward;
  }

  /** `at`: when it happened, if not now. `onSent` is called when the daemon has it: never, if it does not come back. */
  publish<S extends DescMessage>(
    topic: string,
    schema: S,
    message: MessageInitShape<S>,
    { at = now(), onSent = () => undefined }: { readonly at?: Date; readonly onSent?: () => void } = {},
  ): void {
    if (this.#queue.length >= MAX_WAITING) this.#queue.shift();
    const envelope = create(EnvelopeSchema, {
      timestamp: toTimestamp(at),
      namespace: this.#namespace,
      topic,
      event: packAny(schema, message),
    });
    this.#queue.push({ envelope, onSent });
    this.#sending ??= this.#send();
  }

  /** Resolves when everything was sent, or when a short time for the last attempts is over. */
  async drain(): Promise<void> {
    const timer = setTimeout(() => {
      this.#stopped = true;
    }, DRAIN_MS);
    await this.#sending;
    clearTimeout(timer);
  }

  async #send(): Promise<void> {
    // The answer to who made it happen goes first.
    await setImmediate();
    let delayMs = 20;
    for (let next = this.#queue[0]; next && !this.#stopped; next = this.#queue[0]) {
      try {
        await this.#forward(next.envelope);
        next.onSent();
        if (this.#queue[0] === next) this.#queue.shift();
        delayMs = 20;
      } catch {
        await new Promise((resolve) => {
          setTimeout(resolve, delayMs);
        });
        delayMs = Math.min(delayMs * 2, 2000);
      }
    }
    this.#sending = undefined;
  }
}
const MAX_WAITING = 10_000;
const DRAIN_MS = 2000;
