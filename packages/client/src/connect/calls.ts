import type {
  DescMessage,
  DescMethod,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Scope } from "@slipway/core/stores";
import type { Transport } from "@slipway/rpc/client";
import { detailsHeader } from "@slipway/rpc/details-on-request";
import { Metadata } from "@slipway/rpc/metadata";
import { abortable, abortableStream } from "./abortable.ts";

/**
 * Calls with the headers of one scope: what every proxy of this package speaks through. A call whose signal aborts rejects
 * with the signal's reason.
 */
export class Calls {
  readonly #transport: Transport;
  readonly #metadata: Metadata;

  constructor(transport: Transport, scope?: Scope) {
    this.#transport = transport;
    this.#metadata = new Metadata([[detailsHeader, "1"]]);
    if (!scope) return;
    this.#metadata.set("containerd-namespace", scope.namespace);
    // Shims and foreign ttrpc servers behind the daemon look for this one.
    this.#metadata.set("containerd-namespace-ttrpc", scope.namespace);
    if (scope.lease !== undefined) this.#metadata.set("containerd-lease", scope.lease);
  }

  /** The same calls with a further header. */
  with(header: string, value: string): Calls {
    const calls = new Calls(this.#transport);
    for (const [key, one] of this.#metadata) calls.#metadata.set(key, one);
    calls.#metadata.set(header, value);
    return calls;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>> {
    return signal === undefined
      ? this.#transport.unary(method, request, this.#options())
      : abortable(signal, () => this.#transport.unary(method, request, this.#options(signal)));
  }

  /** A call with many requests, many answers or both. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    requests: AsyncIterable<MessageInitShape<I>>,
    signal?: AbortSignal,
  ): AsyncIterable<MessageShape<O>> {
    return signal === undefined
      ? this.#transport.stream(method, requests, this.#options())
      : abortableStream(signal, this.#transport.stream(method, requests, this.#options(signal)));
  }

  /** A call with one request and many answers. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncIterable<MessageShape<O>> {
    return this.stream(method, once(request), signal);
  }

  #options(signal?: AbortSignal): { metadata: Metadata; signal?: AbortSignal } {
    return { metadata: this.#metadata, ...(signal ? { signal } : {}) };
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
