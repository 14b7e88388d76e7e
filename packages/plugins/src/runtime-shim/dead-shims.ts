import { rmSync } from "node:fs";
import type { EventPublisher } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import type { ProcessExit } from "@slipway/core/tasks";
import { messageOf } from "@slipway/fault/fault";
import { readBootstrap, socketPath } from "./bootstrap.ts";
import type { Bundle } from "./bundle.ts";
import type { ShimBinary } from "./shim-binary.ts";

/** Cleans up after shims that died, and tells the end of their tasks, which nobody else will tell. */
export class DeadShims {
  readonly #events: EventPublisher;
  readonly #cleanupMs: number;
  readonly #log: Logger;
  /** A shim of ours may have held a hundred tasks: their programs take turns. */
  #turns: Promise<unknown>[] = Array.from({ length: 4 }, () => Promise.resolve());

  constructor(events: EventPublisher, cleanupMs: number, log: Logger) {
    this.#events = events;
    this.#cleanupMs = cleanupMs;
    this.#log = log;
  }

  /** Has the shim's program remove what is left. `pid` is told when the program cannot. */
  async cleanUp(bundle: Bundle, binary: ShimBinary, pid: number): Promise<ProcessExit> {
    const [turn = Promise.resolve(), ...others] = this.#turns;
    const exit = turn.then(() => this.#delete(bundle, binary, pid));
    this.#turns = [...others, exit];
    const { namespace, id } = bundle;
    const end = await exit;
    this.#events.publish(namespace, "/tasks/exit", { containerId: id, id, ...end });
    this.#events.publish(namespace, "/tasks/delete", { containerId: id, id: "", ...end });
    return end;
  }

  async #delete(bundle: Bundle, binary: ShimBinary, pid: number): Promise<ProcessExit> {
    const { namespace, id } = bundle;
    this.#log.info("cleaning up after shim disconnected", { namespace, id });
    let exit: ProcessExit = { pid, exitStatus: 255, exitedAt: new Date() };
    try {
      removeSocket(bundle);
      exit = await binary.delete(AbortSignal.timeout(this.#cleanupMs));
      bundle.delete();
    } catch (error) {
      this.#log.warn("failed to clean up after shim disconnected", {
        namespace,
        id,
        error: messageOf(error),
      });
    }
    return exit;
  }
}

/** A shim that was killed leaves its socket, and no program removes it. */
function removeSocket(bundle: Bundle): void {
  let address: string;
  try {
    ({ address } = readBootstrap(bundle));
  } catch {
    return;
  }
  if (address.startsWith("unix://")) rmSync(socketPath(address), { force: true });
}
