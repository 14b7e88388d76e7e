import { createHash } from "node:crypto";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { socketPath } from "./bootstrap.ts";
import type { ShimConnection } from "./shim-connection.ts";

/** Where containerd's shims have their sockets, and `ctr shim` looks for them. */
const DIRECTORY = "/run/containerd/s";

interface TaskName {
  readonly namespace: string;
  readonly id: string;
}

/**
 * Leads from where `ctr shim --id ID` looks for the shim of a task (containerd's pkg/shim, SocketAddress) to the shim of ours
 * that holds it beside others. A convenience: a task does not fail for want of it.
 */
export class ShimLinks {
  readonly #grpcAddress: string;

  constructor(grpcAddress: string) {
    this.#grpcAddress = grpcAddress;
  }

  /** In place of the one to an earlier shim of the task. */
  add(task: TaskName, { bootstrap }: ShimConnection): void {
    try {
      const path = this.#path(task);
      mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
      rmSync(path, { force: true });
      symlinkSync(socketPath(bootstrap.address), path);
    } catch {
      // Nobody finds the shim by the task's id then.
    }
  }

  remove(task: TaskName): void {
    rmSync(this.#path(task), { force: true });
  }

  #path({ namespace, id }: TaskName): string {
    const hash = createHash("sha256").update(join(this.#grpcAddress, namespace, id));
    return join(DIRECTORY, hash.digest("hex"));
  }
}
