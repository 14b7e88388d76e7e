import { rmSync } from "node:fs";
import type { EventPublisher } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import type { ProcessExit } from "@slipway/core/tasks";
import { messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { readBootstrap, socketPath } from "./bootstrap.ts";
import type { Bundle } from "./bundle.ts";
import type { ShimBinary } from "./shim-binary.ts";
import type { ShimLinks } from "./shim-links.ts";

/** Cleans up after shims that died, and tells the end of their tasks, which nobody else will tell. */
export class DeadShims {
  readonly #events: EventPublisher;
  readonly #links: ShimLinks;
  readonly #cleanupMs: number;
  readonly #log: Logger;
  /** A shim of ours may have held a hundred tasks: their programs take turns. */
  #turns: Promise<unknown>[] = Array.from({ length: 4 }, () => Promise.resolve());

  constructor(events: EventPublisher, links: ShimLinks, cleanupMs: number, log: Logger) {
    this.#events = events;
    this.#links = links;
    this.#cleanupMs = cleanupMs;
    this.#log = log;
  }

  /** Has the shim's program remove what is left. `pid` is told when the program cannot. */
  async cleanUp(bundle: Bundle, binary: ShimBinary, pid: number): Promise<ProcessExit> {
    const [turn = Promise.resolve(), ...others] = this.#turns;
    const exit = turn.then(() => this.#cleanUp(bundle, binary, pid));
    this.#turns = [...others, exit];
    return await exit;
  }

  async #cleanUp(bundle: Bundle, binary: ShimBinary, pid: number): Promise<ProcessExit> {
    const { namespace, id } = bundle;
    this.#log.info("cleaning up after shim disconnected", { namespace, id });
    let exit: ProcessExit | undefined;
    try {
      removeSocket(bundle);
      this.#links.remove(bundle);
      exit = await binary.delete(AbortSignal.timeout(this.#cleanupMs));
    } catch (error) {
      this.#failed(bundle, error);
    }
    const told = exit ?? { pid, exitStatus: 255, exitedAt: now() };
    // Before the bundle goes: a daemon that is killed here finds it again, and tells the end once more rather than never.
    this.#events.publish(namespace, "/tasks/exit", { containerId: id, id, ...told });
    this.#events.publish(namespace, "/tasks/delete", { containerId: id, id: "", ...told });
    try {
      if (exit) bundle.delete();
    } catch (error) {
      this.#failed(bundle, error);
    }
    return told;
  }

  #failed({ namespace, id }: Bundle, error: unknown): void {
    this.#log.warn("failed to clean up after shim disconnected", { namespace, id, error: messageOf(error) });
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
