import type { TransferRequest } from "@slipway/api/containerd/services/transfer/v1/transfer_pb";
import { ProgressSchema } from "@slipway/api/containerd/types/transfer/transfer_pb";
import { packAny } from "@slipway/client/byte-streams";
import { downloadLimitHeader } from "@slipway/client/transfer";
import { fromAny, toDescriptor } from "@slipway/client/messages";
import type { ObjectStream, StreamManager } from "@slipway/core/streaming";
import type { TransferOptions, TransferProgress, Transferrer } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import type { CallContext } from "@slipway/rpc/service";
import { required } from "./required.ts";
import { scopeOf } from "./scope.ts";
import { toEnd } from "./transfer-ends.ts";

/** One call of the service: containerd's plugins/services/transfer. */
export async function runTransfer(
  { source, destination, options }: TransferRequest,
  context: CallContext,
  transferrers: readonly Transferrer[],
  streams: StreamManager,
): Promise<Record<string, never>> {
  const scope = scopeOf(context);
  const find = (name: string): ReturnType<StreamManager["get"]> => streams.get(scope.namespace, name);
  const name = options?.progressStream ?? "";
  const progress = name === "" ? undefined : new ProgressReports(find(name));
  try {
    const from = toEnd(fromAny(required(source, "source")), find);
    const to = toEnd(fromAny(required(destination, "destination")), find);
    const told: TransferOptions = {
      signal: context.signal,
      ...downloadLimit(context),
      ...(progress ? { onProgress: (event) => progress.send(event) } : {}),
    };
    for (const transferrer of transferrers) {
      if ((await transferrer.transfer(scope, from, to, told)) === "done") return {};
    }
  } finally {
    // Clients read what was made from the reports, and stop reading with the answer.
    await progress?.end();
  }
  const [a, b] = [source?.typeUrl, destination?.typeUrl];
  throw new Fault("unimplemented", `method Transfer not implemented for ${a} to ${b}`);
}

/** Tells a client how its transfer goes. The transfer does not wait for it, but its answer does. */
class ProgressReports {
  readonly #stream: ObjectStream;
  #sent: Promise<void> = Promise.resolve();

  constructor(stream: ObjectStream) {
    this.#stream = stream;
  }

  send(event: TransferProgress): void {
    // They are sent in their order: the last one is the last. A client that does not listen any more gets its image all
    // the same.
    this.#sent = this.#stream.send(packAny(ProgressSchema, toMessage(event))).catch(() => {});
  }

  /** Resolves when the client's connection has all that was sent. */
  async end(): Promise<void> {
    await this.#sent;
    this.#stream.close();
  }
}

/** A header of ours: containerd's messages have no place for it, and a daemon that does not know it does without. */
function downloadLimit({ metadata }: CallContext): Pick<TransferOptions, "downloadBytesPerSecond"> {
  const text = metadata.get(downloadLimitHeader);
  if (text === undefined) return {};
  const downloadBytesPerSecond = Number(text);
  if (Number.isSafeInteger(downloadBytesPerSecond) && downloadBytesPerSecond > 0)
    return { downloadBytesPerSecond };
  throw new Fault(
    "invalid_argument",
    `Cannot read header ${downloadLimitHeader}: "${text}" is no number of bytes`,
  );
}

function toMessage({ event, name = "", parents = [], progress = 0, total = 0, target }: TransferProgress): {
  event: string;
  name: string;
  parents: string[];
  progress: bigint;
  total: bigint;
  desc?: ReturnType<typeof toDescriptor>;
} {
  return {
    event,
    name,
    parents: [...parents],
    progress: BigInt(progress),
    total: BigInt(total),
    ...(target ? { desc: toDescriptor(target) } : {}),
  };
}
