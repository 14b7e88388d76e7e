import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Fault } from "@slipway/fault/fault";
import { encodeFrame, Flag, FrameReader, MessageType, type ReceivedFrame, tooLarge } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { decodeResponse } from "./message.ts";

/** One call's half of a connection: what to do with frames that come for it. */
interface Stream {
  receive(frame: ReceivedFrame): void;
  fail(error: unknown): void;
}

/** A connection to a server, and the calls on it. Once it is lost it stays lost, and every call on it fails. */
export class ClientConnection {
  readonly #socket: Socket;
  readonly #streams = new Map<number, Stream>();
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  #nextId = 1;

  constructor(path: string) {
    const socket = connect(path);
    this.#socket = socket;
    socket.setMaxListeners(0);
    const reader = new FrameReader();
    socket.on("data", (chunk) => {
      for (const frame of reader.push(chunk)) this.#receive(frame);
    });
    let reason = new Fault("unavailable", "ttrpc: closed");
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EPIPE" || cause.code === "ECONNRESET") return;
      reason = new Fault("unavailable", `ttrpc: connection to "${path}" failed: ${cause.message}`, { cause });
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        for (const stream of this.#streams.values()) stream.fail(reason);
        this.#streams.clear();
        resolve();
      });
    });
  }

  get isLost(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves once the server has accepted. @throws when there is none */
  async connected(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, "connect");
  }

  /** Sends `request` and gives the payload of the answer. */
  async unary(request: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const streamId = this.#newId();
    const answer = Promise.withResolvers<Uint8Array>();
    this.#streams.set(streamId, {
      receive: (frame) => {
        try {
          answer.resolve(payloadOf(frame));
        } catch (error) {
          answer.reject(error);
        }
      },
      fail: answer.reject,
    });
    const abort = (): void => answer.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#send({ streamId, type: MessageType.request, flags: 0, data: request });
      return await answer.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#streams.delete(streamId);
    }
  }

  /** Sends `request`, then `messages` when there are any, and yields what comes back. */
  async *stream(
    request: Uint8Array,
    messages: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const streamId = this.#newId();
    const inbox = new Inbox(this.#socket);
    this.#streams.set(streamId, {
      receive: (frame) => receiveInto(inbox, frame),
      fail: (error) => inbox.end(error),
    });
    const abort = (): void => inbox.end(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const flags = messages ? Flag.remoteOpen : Flag.remoteClosed;
      this.#send({ streamId, type: MessageType.request, flags, data: request });
      if (messages) this.#sendAll(streamId, messages).catch((error: unknown) => inbox.end(error));
      yield* inbox;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#streams.delete(streamId);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #sendAll(streamId: number, messages: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const data of messages) {
      if (!this.#streams.has(streamId)) return;
      const flows = this.#send({ streamId, type: MessageType.data, flags: 0, data });
      if (!flows) await Promise.race([once(this.#socket, "drain"), this.closed]);
    }
    if (!this.#streams.has(streamId)) return;
    const flags = Flag.remoteClosed | Flag.noData;
    this.#send({ streamId, type: MessageType.data, flags, data: new Uint8Array() });
  }

  #newId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  #receive(frame: ReceivedFrame): void {
    this.#streams.get(frame.streamId)?.receive(frame);
  }

  #send(frame: { streamId: number; type: number; flags: number; data: Uint8Array }): boolean {
    if (this.#socket.destroyed) throw new Fault("unavailable", "ttrpc: closed");
    return this.#socket.write(encodeFrame(frame));
  }
}

function payloadOf({ excess, type, data }: ReceivedFrame): Uint8Array {
  if (excess !== undefined) throw tooLarge(excess);
  if (type !== MessageType.response) {
    throw new Fault("internal", "ttrpc: unexpected message received: protocol error");
  }
  return decodeResponse(data);
}

function receiveInto(inbox: Inbox, frame: ReceivedFrame): void {
  try {
    if (frame.excess === undefined && frame.type === MessageType.data) {
      if (!(frame.flags & Flag.noData)) inbox.push(frame.data);
      if (frame.flags & Flag.remoteClosed) inbox.end();
    } else {
      // The one answer to a stream of requests, or the failure of either kind.
      inbox.push(payloadOf(frame));
      inbox.end();
    }
  } catch (error) {
    inbox.end(error);
  }
}
