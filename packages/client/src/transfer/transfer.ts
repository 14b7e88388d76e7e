import type { MessageInitShape } from "@bufbuild/protobuf";
import { Streaming, StreamInitSchema } from "@slipway/api/containerd/services/streaming/v1/streaming_pb";
import { Transfer } from "@slipway/api/containerd/services/transfer/v1/transfer_pb";
import { ProgressSchema } from "@slipway/api/containerd/types/transfer/transfer_pb";
import type { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@slipway/core/any";
import type { ObjectStream } from "@slipway/core/streaming";
import type { TransferEnd, TransferOptions } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import type { Calls } from "../connect/calls.ts";
import { fromDescriptor, fromAny, toAny } from "../connect/messages.ts";
import { Queue } from "../connect/queue.ts";
import { packAny, unpackAny } from "./byte-streams.ts";
import { toMessage } from "./ends.ts";

/** The most bytes a second that a pull fetches: a header of the Transfer call that slipwayd knows. */
export const downloadLimitHeader = "slipway-download-bytes-per-second";

/** Lets the daemon move images: registries, archives and its own store are ends of a transfer. */
export class RemoteTransfer {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * What this process has a part in (bytes, credentials, progress) goes over streams of its own.
   *
   * @example
   * await client.transfer.transfer(registry("docker.io/library/busybox:latest"), imageStore(name, { unpacks }));
   */
  async transfer(
    source: TransferEnd,
    destination: TransferEnd,
    options: TransferOptions = {},
  ): Promise<void> {
    const { onProgress, signal, downloadBytesPerSecond } = options;
    const leave = new AbortController();
    const stop = signal ? AbortSignal.any([signal, leave.signal]) : leave.signal;
    const work: Promise<void>[] = [];
    const open = async (prefix: string): Promise<{ id: string; stream: ObjectStream }> => {
      const id = `${prefix}-${crypto.randomUUID()}`;
      return { id, stream: await this.#open(id, stop) };
    };
    const during = (part: Promise<void>): void => {
      part.catch(() => {});
      work.push(part);
    };
    try {
      const progress = onProgress ? await open("progress") : undefined;
      const heard = progress && onProgress ? listen(progress.stream, onProgress) : undefined;
      heard?.catch(() => {});
      const request = {
        source: toAny(await toMessage(source, open, during)),
        destination: toAny(await toMessage(destination, open, during)),
        options: { progressStream: progress?.id ?? "" },
      };
      const calls =
        downloadBytesPerSecond === undefined
          ? this.#calls
          : this.#calls.with(downloadLimitHeader, String(downloadBytesPerSecond));
      await calls.unary(Transfer.method.transfer, request, stop);
      await heard;
      await Promise.all(work);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      leave.abort();
      await Promise.allSettled(work);
    }
  }

  async #open(id: string, signal: AbortSignal): Promise<ObjectStream> {
    const requests = new Queue<MessageInitShape<typeof AnySchema>>();
    const answers = this.#calls.stream(Streaming.method.stream, requests, signal)[Symbol.asyncIterator]();
    requests.push(toAny(packAny(StreamInitSchema, { id })));
    const first = await answers.next();
    if (first.done) throw new Fault("unavailable", `The daemon ended stream "${id}"`);
    return {
      async send(value) {
        requests.push(toAny(value));
      },
      async receive(): Promise<Any | undefined> {
        const next = await answers.next();
        return next.done ? undefined : fromAny(next.value);
      },
      close: () => requests.end(),
    };
  }
}

async function listen(
  stream: ObjectStream,
  onProgress: NonNullable<TransferOptions["onProgress"]>,
): Promise<void> {
  for (let any = await stream.receive(); any; any = await stream.receive()) {
    const message = unpackAny(ProgressSchema, any);
    if (!message) continue;
    const { event, name, parents, progress, total, desc } = message;
    onProgress({
      event,
      name,
      parents,
      progress: Number(progress),
      total: Number(total),
      ...(desc ? { target: fromDescriptor(desc) } : {}),
    });
  }
  stream.close();
}
