import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import type { Envelope } from "@slipway/api/containerd/types/types_pb";
import { mkfifo } from "@slipway/linux/mknod";
import { EventPublisher } from "../events.ts";
import { Shim } from "../shim.ts";
import { taskHandlers } from "../task/service.ts";

/** A process in a runtime spec: no privileges beyond what busybox needs. */
export function processSpec(args: readonly string[], options: { terminal?: boolean } = {}): object {
  return {
    terminal: options.terminal ?? false,
    user: { uid: 0, gid: 0 },
    args,
    env: ["PATH=/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {},
  };
}

/** A directory with bundles of busybox, and FIFOs beside them. */
export class Bundles implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "slipway-shim-"));
  #count = 0;

  /** A bundle whose root file system is a directory of its own. */
  bundle(
    args: readonly string[],
    options: { terminal?: boolean; pidNamespace?: boolean; memoryLimit?: number } = {},
  ): { id: string; bundle: string } {
    const id = `test-${process.pid}-${(this.#count += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    const bundle = join(this.root, id);
    mkdirSync(join(bundle, "rootfs/bin"), { recursive: true });
    for (const name of ["proc", "dev", "tmp", "sys"]) mkdirSync(join(bundle, "rootfs", name));
    for (const name of ["sh", "cat", "echo", "true", "sleep", "stty", "kill", "dd"]) {
      copyFileSync("/bin/busybox", join(bundle, "rootfs/bin", name));
    }
    const namespaces = ["mount", "ipc", "uts", "network", ...(options.pidNamespace === false ? [] : ["pid"])];
    const spec = {
      ociVersion: "1.0.2",
      process: processSpec(args, options),
      root: { path: "rootfs" },
      hostname: "test",
      mounts: [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
        {
          destination: "/dev/pts",
          type: "devpts",
          source: "devpts",
          options: ["newinstance", "ptmxmode=0666"],
        },
      ],
      linux: {
        resources: { memory: { limit: options.memoryLimit ?? 1 << 28 } },
        namespaces: namespaces.map((type) => ({ type })),
        cgroupsPath: `/slipway-${id}`,
      },
    };
    writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
    return { id, bundle };
  }

  fifo(name: string): string {
    const path = join(this.root, `${name}-${(this.#count += 1)}`);
    mkfifo(path, 0o700);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

/** A shim in this process, with the events it published. */
export function testShim(root: string): {
  tasks: ReturnType<typeof taskHandlers>;
  shim: Shim;
  events: Envelope[];
} {
  const events: Envelope[] = [];
  const publisher = new EventPublisher("test", async (envelope) => {
    events.push(envelope);
    await Promise.resolve();
  });
  const shim = new Shim({
    namespace: "test",
    runtimeRoot: join(root, "runtime"),
    events: publisher,
    onShutdown: () => undefined,
  });
  return { tasks: taskHandlers(shim), shim, events };
}

/** The topics of a container's events in their order, exits with the process's id. */
export function topics(events: readonly Envelope[]): string[] {
  return events.map(({ topic, event }) =>
    topic === "/tasks/exit"
      ? `${topic} ${fromBinary(TaskExitSchema, event?.value ?? new Uint8Array()).id}`
      : topic,
  );
}
