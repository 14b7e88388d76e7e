import { once } from "node:events";
import type { Socket } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Fault, messageOf } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import { readMessage } from "@slipway/rpc/read-message";
import type { CallContext, ServiceRegistration } from "@slipway/rpc/service";
import { encodeFrame, Flag, FrameReader, MessageType, type ReceivedFrame, tooLarge } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { decodeRequest, encodeAnswer, encodeFailure, type RequestMessage } from "./message.ts";

interface Route {
  readonly method: DescMethod;
  readonly handler: (request: unknown, context: CallContext) => unknown;
}

const noData = new Uint8Array();

/** The calls of one client. When it leaves, they are aborted. */
export class ServerConnection {
  readonly #socket: Socket;
  readonly #services: readonly ServiceRegistration[];
  readonly #calls = new Set<AbortController>();
  readonly #inboxes = new Map<number, Inbox>();
  #lastStreamId = 0;
  #whenIdle: (() => void) | undefined;

  constructor(socket: Socket, services: readonly ServiceRegistration[]) {
    this.#socket = socket;
    this.#services = services;
    // Every stream of answers that the client is slow to read waits for "drain".
    socket.setMaxListeners(0);
    const reader = new FrameReader();
    socket.on("data", (chunk) => {
      for (const frame of reader.push(chunk)) this.#receive(frame);
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#abort());
  }

  /** Resolves when no call runs. */
  async idle(): Promise<void> {
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Lets answers that are on their way arrive, and leaves. */
  async close(): Promise<void> {
    this.#abort();
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once("close", () => resolve()).end(() => this.#socket.destroy());
    });
  }

  #abort(): void {
    const reason = new Fault("canceled", "context canceled");
    for (const call of this.#calls) call.abort(reason);
    for (const inbox of this.#inboxes.values()) inbox.end(reason);
  }

  #receive(frame: ReceivedFrame): void {
    const { streamId, type } = frame;
    if (frame.excess !== undefined) {
      this.#fail(streamId, tooLarge(frame.excess));
    } else if (streamId % 2 !== 1) {
      this.#fail(streamId, refused("StreamID must be odd for client initiated streams"));
    } else if (type === MessageType.data) {
      this.#receiveData(frame);
    } else if (type === MessageType.request) {
      if (streamId <= this.#lastStreamId) {
        this.#fail(streamId, refused("StreamID cannot be re-used and must increment"));
        return;
      }
      this.#lastStreamId = streamId;
      void this.#serve(frame);
    }
    // Other types are left to future versions of the protocol.
  }

  #receiveData({ streamId, flags, data }: ReceivedFrame): void {
    const inbox = this.#inboxes.get(streamId);
    if (!inbox) {
      this.#fail(streamId, refused("StreamID is no longer active"));
      return;
    }
    if (!(flags & Flag.noData)) inbox.push(data);
    if (flags & Flag.remoteClosed) inbox.end();
  }

  async #serve({ streamId, flags, data }: ReceivedFrame): Promise<void> {
    const call = new AbortController();
    this.#calls.add(call);
    let timer: NodeJS.Timeout | undefined;
    try {
      const request = parseRequest(data);
      const timeoutMs = Math.min(Number(request.timeoutNs) / 1e6, 2 ** 31 - 1);
      if (timeoutMs > 0) {
        timer = setTimeout(
          () => call.abort(new Fault("deadline_exceeded", "context deadline exceeded")),
          timeoutMs,
        );
      }
      const context: CallContext = {
        path: `/${request.service}/${request.method}`,
        metadata: new Metadata(request.metadata),
        signal: call.signal,
        ...(timeoutMs > 0 ? { deadline: new Date(Date.now() + timeoutMs) } : {}),
      };
      const route = findRoute(this.#services, request);
      const argument = this.#argument(route.method, streamId, flags, request.payload);
      await this.#answer(route, streamId, argument, context);
    } catch (error) {
      this.#fail(streamId, error);
    } finally {
      clearTimeout(timer);
      this.#inboxes.delete(streamId);
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#whenIdle?.();
    }
  }

  /** The one request, or those that the client goes on to send. */
  #argument(method: DescMethod, streamId: number, flags: number, payload: Uint8Array): unknown {
    const { methodKind, input } = method;
    if (methodKind === "unary" || methodKind === "server_streaming")
      return readMessage(input, payload, "internal");
    const inbox = new Inbox(this.#socket);
    this.#inboxes.set(streamId, inbox);
    // A first message may come with the request; an empty one is nothing.
    if (payload.length > 0) inbox.push(payload);
    if (!(flags & Flag.remoteOpen)) inbox.end();
    return decoded(input, inbox);
  }

  async #answer(route: Route, streamId: number, argument: unknown, context: CallContext): Promise<void> {
    const { methodKind, output } = route.method;
    const result = route.handler(argument, context);
    if (methodKind === "unary" || methodKind === "client_streaming") {
      const response = result instanceof Promise ? await abortable(result, context.signal) : result;
      this.#send(streamId, MessageType.response, 0, encodeAnswer(encode(output, response)));
      return;
    }
    for await (const response of result as AsyncIterable<unknown>) {
      context.signal.throwIfAborted();
      const flows = this.#send(streamId, MessageType.data, 0, encode(output, response));
      if (!flows) await once(this.#socket, "drain", { signal: context.signal });
    }
    context.signal.throwIfAborted();
    this.#send(streamId, MessageType.data, Flag.remoteClosed | Flag.noData, noData);
  }

  #fail(streamId: number, error: unknown): void {
    this.#send(streamId, MessageType.response, 0, encodeFailure(error));
  }

  #send(streamId: number, type: number, flags: number, data: Uint8Array): boolean {
    const frame = encodeFrame({ streamId, type, flags, data });
    return this.#socket.destroyed || this.#socket.write(frame);
  }
}

function parseRequest(data: Uint8Array): RequestMessage {
  try {
    return decodeRequest(data);
  } catch (error) {
    throw new Fault("invalid_argument", `unmarshal request error: ${messageOf(error)}`, { cause: error });
  }
}

function refused(message: string): Fault {
  return new Fault("invalid_argument", message);
}

function findRoute(services: readonly ServiceRegistration[], request: RequestMessage): Route {
  const registration = services.find(({ service }) => service.typeName === request.service);
  if (!registration) throw new Fault("unimplemented", `service ${request.service}`);
  const method = registration.service.methods.find(({ name }) => name === request.method);
  const handler = method && (registration.handlers[method.localName] as Route["handler"] | undefined);
  if (!method || !handler) throw new Fault("unimplemented", `method ${request.method}`);
  return { method, handler };
}

async function* decoded(schema: DescMessage, payloads: AsyncIterable<Uint8Array>): AsyncGenerator {
  for await (const payload of payloads) yield readMessage(schema, payload, "internal");
}

function encode(schema: DescMessage, message: unknown): Uint8Array {
  return toBinary(schema, create(schema, message as MessageInitShape<DescMessage>));
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
