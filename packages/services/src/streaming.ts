import {
  Streaming,
  type StreamInit,
  StreamInitSchema,
} from "@slipway/api/containerd/services/streaming/v1/streaming_pb";
import { fromAny, toAny } from "@slipway/client/messages";
import type { Any } from "@slipway/core/any";
import type { ObjectStream, StreamManager } from "@slipway/core/streaming";
import { Fault } from "@slipway/fault/fault";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { readMessage } from "@slipway/rpc/read-message";
import { namespaceOf } from "./scope.ts";

/** Gives calls of clients a name, by which other services find them: containerd's plugins/services/streaming. */
export function streamingService(manager: StreamManager): ServiceRegistration {
  return serve(Streaming, {
    async *stream(requests, context) {
      const incoming = requests[Symbol.asyncIterator]();
      const first = await incoming.next();
      const init = first.done ? undefined : initOf(first.value);
      if (!init) throw new Fault("invalid_argument", "a stream begins with StreamInit: invalid argument");
      const stream = new ServedStream(incoming, context.signal);
      using _registered = manager.register(namespaceOf(context), init.id, stream);
      yield { typeUrl: "google.protobuf.Empty", value: new Uint8Array() };
      for await (const value of stream.outgoing()) yield toAny(value);
    },
  });
}

function initOf({ typeUrl, value }: Any): StreamInit | undefined {
  return typeUrl.endsWith(StreamInitSchema.typeName) ? readMessage(StreamInitSchema, value) : undefined;
}

interface Outgoing {
  readonly value: Any;
  readonly sent: PromiseWithResolvers<void>;
}

/** One call, as those see it who know its name. */
class ServedStream implements ObjectStream {
  readonly #incoming: AsyncIterator<Any>;
  readonly #queue: Outgoing[] = [];
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(incoming: AsyncIterator<Any>, signal: AbortSignal) {
    this.#incoming = incoming;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#abandon(), { once: true });
  }

  async send(value: Any): Promise<void> {
    if (this.#closed) throw closedStream();
    const sent = Promise.withResolvers<void>();
    this.#queue.push({ value, sent });
    this.#wake?.();
    await sent.promise;
  }

  async receive(): Promise<Any | undefined> {
    try {
      const next = await this.#incoming.next();
      return next.done ? undefined : fromAny(next.value);
    } catch (error) {
      // A client that leaves has said what it had to say.
      if (this.#signal.aborted) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *outgoing(): AsyncGenerator<Any> {
    let next: Outgoing | undefined;
    try {
      for (;;) {
        next = this.#queue.shift();
        if (next) {
          yield next.value;
          next.sent.resolve();
        } else if (this.#closed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      // A client that left in the middle of a message has not taken it; one that was sent is settled already.
      next?.sent.reject(closedStream());
      this.#abandon();
    }
  }

  /** Nobody takes what still waits. */
  #abandon(): void {
    this.close();
    for (const { sent } of this.#queue.splice(0)) sent.reject(closedStream());
  }
}

function closedStream(): Fault {
  return new Fault("unavailable", "Cannot send: the stream was closed");
}
