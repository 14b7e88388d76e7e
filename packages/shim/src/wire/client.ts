import { connect, type Socket } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { encodeFrame, FrameReader, MessageType } from "./frame.ts";
import { decodeResponse, encodeRequest } from "./message.ts";

interface Waiting {
  readonly resolve: (data: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** Unary calls to the ttrpc server at a unix socket. It connects at the first call, and again after a loss. */
export class UnaryClient implements Disposable {
  readonly #path: string;
  #socket: Socket | undefined;
  #waiting = new Map<number, Waiting>();
  #nextId = 1;

  constructor(path: string) {
    this.#path = path;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    metadata: readonly (readonly [string, string])[] = [],
  ): Promise<MessageShape<O>> {
    const socket = (this.#socket ??= this.#connect());
    const streamId = this.#nextId;
    this.#nextId += 2;
    const payload = toBinary(method.input, create(method.input, request));
    const data = encodeRequest({
      service: method.parent.typeName,
      method: method.name,
      payload,
      timeoutNs: 0n,
      metadata,
    });
    const response = await new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting.set(streamId, { resolve, reject });
      socket.write(encodeFrame({ streamId, type: MessageType.request, data }));
    });
    return fromBinary(method.output, decodeResponse(response));
  }

  #connect(): Socket {
    const socket = connect(this.#path);
    const reader = new FrameReader();
    const waiting = (this.#waiting = new Map());
    const lost = (): void => {
      if (this.#socket === socket) this.#socket = undefined;
      for (const { reject } of waiting.values())
        reject(new Fault("unavailable", `ttrpc: connection to "${this.#path}" closed`));
      waiting.clear();
    };
    socket.on("data", (chunk) => {
      for (const { streamId, data } of reader.push(chunk)) {
        waiting.get(streamId)?.resolve(Uint8Array.from(data));
        waiting.delete(streamId);
      }
    });
    socket.once("error", lost).once("close", lost);
    return socket;
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy();
  }
}
