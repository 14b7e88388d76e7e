import { on } from "node:events";
import { type MessagePort, parentPort } from "node:worker_threads";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import type { FromWorker, Job, ToWorker } from "./messages.ts";
import { unpackLayer } from "./unpack.ts";

// The thread of UnpackWorkers: one layer after the other.
parentPort?.on("message", (job: Job) => void unpack(job));

async function unpack({ root, options, port }: Job): Promise<void> {
  const send = (message: FromWorker): void => port.postMessage(message);
  const onIgnored = (what: string): void => send({ kind: "ignored", what });
  try {
    const layer = await unpackLayer(received(port), root, { ...options, onIgnored });
    send({ kind: "unpacked", layer });
  } catch (error) {
    send({ kind: "failed", fault: { code: codeOf(error), message: messageOf(error) } });
  } finally {
    port.close();
  }
}

async function* received(port: MessagePort): AsyncGenerator<Uint8Array> {
  for await (const [message] of on(port, "message") as AsyncIterable<[ToWorker]>) {
    if (message.kind === "end") return;
    if (message.kind === "failed") throw new Fault(message.fault.code, message.fault.message);
    port.postMessage({ kind: "taken" } satisfies FromWorker);
    yield message.bytes;
  }
}
