import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import type { ApplyLayerOptions } from "../apply/apply.ts";
import type { FromWorker, Job, ToWorker } from "./messages.ts";
import type { UnpackedLayer } from "./unpack.ts";

// Chunks on the way to a worker: enough that neither side waits for the other.
const maxAhead = 8;
// A thread takes 40 ms to start and some megabytes while it is there.
const idleMs = 5_000;

/** Unpacks layers in threads, as many at a time as there are cores. */
export class UnpackWorkers implements AsyncDisposable {
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting: (() => void)[] = [];
  #free = availableParallelism();

  /** As unpackLayer(), in a thread. An abort ends it with `canceled`, and leaves what is already there. */
  async unpack(
    blob: AsyncIterable<Uint8Array>,
    root: string,
    { onIgnored, ...options }: ApplyLayerOptions,
    signal?: AbortSignal,
  ): Promise<UnpackedLayer> {
    await this.#enter();
    try {
      const worker = this.#takeWorker();
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ root, options, port: port2 } satisfies Job, [port2]);
      const result = await exchange(worker, port1, blob, { onIgnored, signal });
      this.#keep(worker);
      if (result.kind === "unpacked") return result.layer;
      throw new Fault(result.fault.code, result.fault.message);
    } finally {
      this.#leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ worker }) => worker.terminate()));
  }

  #takeWorker(): Worker {
    const known = this.#idle.pop();
    if (!known) {
      // Files are opened by system calls that Node does not see, and closed as Node's.
      return new Worker(new URL("./worker.ts", import.meta.url), { trackUnmanagedFds: false });
    }
    clearTimeout(known.timer);
    known.worker.ref();
    return known.worker;
  }

  #keep(worker: Worker): void {
    worker.unref();
    const end = (): void => {
      this.#idle.splice(
        this.#idle.findIndex((entry) => entry.worker === worker),
        1,
      );
      void worker.terminate();
    };
    this.#idle.push({ worker, timer: setTimeout(end, idleMs).unref() });
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

type Result = Extract<FromWorker, { kind: "unpacked" | "failed" }>;

/** Feeds the worker until it answers. @throws {Fault} `internal` when the thread ends without an answer */
async function exchange(
  worker: Worker,
  port: MessagePort,
  blob: AsyncIterable<Uint8Array>,
  options: { onIgnored: ((what: string) => void) | undefined; signal: AbortSignal | undefined },
): Promise<Result> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<Result>();
  let ahead = 0;
  let resume: (() => void) | undefined;
  port.on("message", (message: FromWorker) => {
    if (message.kind === "ignored") options.onIgnored?.(message.what);
    else if (message.kind !== "taken") resolve(message);
    ahead -= 1;
    resume?.();
  });
  const died = (cause?: unknown): void =>
    reject(new Fault("internal", "Cannot unpack layer: its thread has ended", { cause }));
  worker.once("error", died).once("exit", died);
  const send = (message: ToWorker): void => port.postMessage(message);
  let isAnswered = false;
  const settled = answered.finally(() => {
    isAnswered = true;
    resume?.();
  });
  const feed = async (): Promise<void> => {
    try {
      for await (const bytes of blob) {
        options.signal?.throwIfAborted();
        ahead += 1;
        send({ kind: "bytes", bytes });
        while (ahead >= maxAhead && !isAnswered) await new Promise<void>((next) => (resume = next));
        if (isAnswered) return;
      }
      send({ kind: "end" });
    } catch (error) {
      send({ kind: "failed", fault: { code: codeOf(error), message: messageOf(error) } });
    }
  };
  try {
    const [result] = await Promise.all([settled, feed()]);
    return result;
  } finally {
    worker.off("error", died).off("exit", died);
    port.close();
  }
}
