import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { DataSchema, WindowUpdateSchema } from "@slipway/api/containerd/types/transfer/transfer_pb";
import type { Any } from "@slipway/core/any";
import type { ObjectStream } from "@slipway/core/streaming";
import { Fault } from "@slipway/fault/fault";
import { readMessage } from "@slipway/rpc/read-message";

/*
 * Bytes over a stream of objects: containerd's core/transfer/streaming. The receiver says how many bytes it will take
 * (WindowUpdate), the sender sends no more than that (Data).
 */

const windowBytes = 1024 * 1024;
const maxMessageBytes = 256 * 1024;

/** A message as containerd's typeurl writes it: its type's name without a host before it. */
export function packAny<D extends DescMessage>(schema: D, value: MessageInitShape<D>): Any {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, value)) };
}

/** The message, when it is one of that type. */
export function unpackAny<D extends DescMessage>(schema: D, any: Any): MessageShape<D> | undefined {
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  return name === schema.typeName ? readMessage(schema, any.value) : undefined;
}

/** The bytes that the other side sends. Leaving the iteration closes the stream. */
export async function* receiveBytes(stream: ObjectStream): AsyncGenerator<Uint8Array> {
  let window = 0;
  try {
    for (;;) {
      if (window < windowBytes / 2) {
        await stream.send(packAny(WindowUpdateSchema, { update: windowBytes }));
        window += windowBytes;
      }
      const any = await stream.receive();
      if (!any) return;
      const message = unpackAny(DataSchema, any);
      if (!message) continue;
      window -= message.data.length;
      yield message.data;
    }
  } finally {
    stream.close();
  }
}

/** Sends all bytes and ends the stream. @throws {Fault} `unavailable` when the other side leaves before */
export async function sendBytes(stream: ObjectStream, source: AsyncIterable<Uint8Array>): Promise<void> {
  const window = new Window(stream);
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length;) {
        const length = await window.take(Math.min(maxMessageBytes, chunk.length - at));
        const data = chunk.subarray(at, at + length) as Uint8Array<ArrayBuffer>;
        await stream.send(packAny(DataSchema, { data }));
        at += length;
      }
    }
  } finally {
    stream.close();
  }
}

/** What the other side will take. */
class Window {
  #left = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: ObjectStream) {
    void this.#follow(stream);
  }

  /** @returns at least 1, at most `wanted` */
  async take(wanted: number): Promise<number> {
    while (this.#left === 0) {
      if (this.#ended) throw new Fault("unavailable", "Cannot send bytes: who takes them has left");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const taken = Math.min(wanted, this.#left);
    this.#left -= taken;
    return taken;
  }

  async #follow(stream: ObjectStream): Promise<void> {
    try {
      for (let any = await stream.receive(); any; any = await stream.receive()) {
        this.#left += unpackAny(WindowUpdateSchema, any)?.update ?? 0;
        this.#wake?.();
      }
    } catch {
      // The sender is told by the end.
    }
    this.#ended = true;
    this.#wake?.();
  }
}
