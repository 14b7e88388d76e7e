import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import type { CallOptions, Transport } from "@slipway/rpc/client";
import { readMessage } from "@slipway/rpc/read-message";
import { ClientConnection } from "./client-connection.ts";
import { encodeRequest } from "./message.ts";

export interface TtrpcClientOptions {
  /** Connects again when a call finds the connection lost. Without it every later call fails. */
  readonly reconnect?: boolean;
}

/** Calls to the ttrpc server at a unix socket. It connects at once. Failures are `Fault`s; a lost server `unavailable`. */
export class TtrpcClient implements Transport, Disposable {
  readonly #path: string;
  readonly #reconnect: boolean;
  #connection: ClientConnection | undefined;

  constructor(path: string, { reconnect = false }: TtrpcClientOptions = {}) {
    this.#path = path;
    this.#reconnect = reconnect;
    // One that may reconnect may also begin before its server.
    if (!reconnect) this.#connection = new ClientConnection(path);
  }

  /** A client whose server has accepted it. @throws when there is none */
  static async connect(path: string, options?: TtrpcClientOptions): Promise<TtrpcClient> {
    const client = new TtrpcClient(path, options);
    await client.#live().connected();
    return client;
  }

  /** Resolves when the present connection is gone. */
  get closed(): Promise<void> {
    return this.#connection?.closed ?? Promise.resolve();
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const payload = toBinary(method.input, create(method.input, request));
    using limit = callLimit(options);
    const answer = await this.#live().unary(requestFor(method, payload, options), limit.signal);
    return readMessage(method.output, answer, "internal");
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    requests: AsyncIterable<MessageInitShape<I>>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const { methodKind } = method;
    const streams = methodKind === "client_streaming" || methodKind === "bidi_streaming";
    const messages = encoded(method.input, requests);
    const payload = streams ? new Uint8Array() : await only(messages);
    using limit = callLimit(options);
    const request = requestFor(method, payload, options);
    const answers = this.#live().stream(request, streams ? messages : undefined, limit.signal);
    for await (const answer of answers) yield readMessage(method.output, answer, "internal");
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.closed;
  }

  #live(): ClientConnection {
    if (!this.#connection || (this.#reconnect && this.#connection.isLost)) {
      this.#connection = new ClientConnection(this.#path);
    }
    return this.#connection;
  }
}

function requestFor(method: DescMethod, payload: Uint8Array, options: CallOptions): Uint8Array {
  return encodeRequest({
    service: method.parent.typeName,
    method: method.name,
    payload,
    timeoutNs: BigInt(Math.ceil((options.timeoutMs ?? 0) * 1e6)),
    metadata: [...(options.metadata ?? [])],
  });
}

/** The caller's signal and the call's timeout in one. ttrpc cannot tell the server that its caller has left. */
function callLimit({ signal, timeoutMs }: CallOptions): Disposable & { signal: AbortSignal | undefined } {
  if (timeoutMs === undefined) return { signal, [Symbol.dispose]: () => undefined };
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new Fault("deadline_exceeded", "context deadline exceeded"));
  }, timeoutMs);
  return {
    signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

async function* encoded<I extends DescMessage>(
  schema: I,
  messages: AsyncIterable<MessageInitShape<I>>,
): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield toBinary(schema, create(schema, message));
}

async function only(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const message of messages) return message;
  throw new Fault("internal", "ttrpc: the call ended without a request");
}
