import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableReader } from "@slipway/core/config/table-reader";
import { Events } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import type { Container } from "@slipway/core/containers";
import type { Envelope } from "@slipway/core/events";
import type { Logger, Started } from "@slipway/core/plugin";
import type { TaskManagers } from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import type { ProcessIo, TaskManager } from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import { mkfifo } from "@slipway/linux/mknod";
import { unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { serve } from "@slipway/rpc/service";
import { TtrpcServer } from "@slipway/ttrpc/server";
import { Exchange } from "../../events/exchange.ts";
import { shimRuntimePlugin } from "../runtime-shim.ts";

const bin = join(import.meta.dirname, "../../../../../bin");
export const noIo: ProcessIo = { stdin: "", stdout: "", stderr: "", terminal: false };
const silent = (): void => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** The part of a daemon that runs containers: the plugin, an exchange, and the socket that shims publish to. */
export class TestRuntime {
  readonly root = mkdtempSync(join(tmpdir(), "slipway-tasks-"));
  readonly events: Envelope[] = [];
  /** A file for errors: older shims want both streams or none. */
  readonly stderr = join(this.root, "stderr");
  readonly #containers = new Map<string, Container>();
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #timeouts: Readonly<Record<string, number>>;
  #running: { server: TtrpcServer; runtime: Started<TaskManagers>; leave: AbortController } | undefined;
  #onEvent: (() => void) | undefined;
  #count = 0;

  /** `timeouts`: in milliseconds, by containerd's names. */
  constructor(
    table: Readonly<Record<string, unknown>> = {},
    timeouts: Readonly<Record<string, number>> = {},
  ) {
    this.#table = table;
    this.#timeouts = timeouts;
    mkdirSync(join(this.root, "rootfs/bin"), { recursive: true });
    writeFileSync(this.stderr, "");
    for (const name of ["proc", "dev", "tmp", "sys"]) mkdirSync(join(this.root, "rootfs", name));
    copyFileSync("/bin/busybox", join(this.root, "rootfs/bin/busybox"));
    for (const name of ["sh", "cat", "echo", "true", "sleep"]) {
      symlinkSync("busybox", join(this.root, "rootfs/bin", name));
    }
  }

  async start(): Promise<void> {
    const exchange = new Exchange();
    const leave = new AbortController();
    void this.#record(exchange, leave.signal);
    const address = join(this.root, "slipway.sock");
    const server = new TtrpcServer([
      serve(Events, {
        forward: ({ envelope }) => {
          if (envelope?.event) {
            const { namespace, topic, event } = envelope;
            exchange.forward({ namespace, topic, event, timestamp: new Date() });
          }
          return {};
        },
      }),
    ]);
    rmSync(`${address}.ttrpc`, { force: true });
    await server.listen(`${address}.ttrpc`);
    const plugin = shimRuntimePlugin({
      grpcAddress: address,
      ttrpcAddress: `${address}.ttrpc`,
      version: "2.3.0",
      publishBinary: join(bin, "slipwayd"),
      shimBinary: join(bin, "containerd-shim-slipway-v1"),
      timeouts: this.#timeouts,
    });
    const context = {
      rootDir: join(this.root, "root/runtime"),
      stateDir: join(this.root, "state/runtime"),
      log,
      signal: leave.signal,
    };
    const runtime = (await plugin.start(
      {
        stores: this.#stores(),
        events: exchange,
        differs: new Map(),
        deprecations: { emit: () => undefined },
      },
      plugin.parseConfig(new TableReader(this.#table, "task")),
      context,
    )) as Started<TaskManagers>;
    this.#running = { server, runtime, leave };
  }

  /** The daemon leaves; its tasks go on. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.leave.abort();
    await running?.runtime.stop?.();
    await running?.server.drain(0);
  }

  get tasks(): TaskManager {
    if (!this.#running) throw new Error("The runtime does not run");
    return this.#running.runtime.instance.scoped("test");
  }

  /** A container of busybox. */
  container(
    args: readonly string[],
    options: { runtime?: string; annotations?: Readonly<Record<string, string>> } = {},
  ): string {
    const id = `t${process.pid}-${(this.#count += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    const spec = {
      ociVersion: "1.0.2",
      process: processSpec(args),
      annotations: options.annotations ?? {},
      root: { path: join(this.root, "rootfs") },
      hostname: "test",
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: {
        cgroupsPath: `/slipway-${id}`,
        namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })),
      },
    };
    this.#containers.set(id, {
      id,
      labels: {},
      image: "",
      runtime: { name: options.runtime ?? "io.containerd.runc.v2" },
      spec: {
        typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
        value: Buffer.from(JSON.stringify(spec)),
      },
      snapshotter: "",
      snapshotKey: "",
      extensions: {},
      sandboxId: "",
      createdAt: new Date(),
      updatedAt: new Date(),
    });
    return id;
  }

  fifo(): string {
    const path = join(this.root, `fifo-${(this.#count += 1)}`);
    mkfifo(path, 0o700);
    return path;
  }

  /** A task that sleeps. */
  async sleeper(runtime?: string): Promise<string> {
    const id = this.container(["sleep", "1000"], runtime === undefined ? {} : { runtime });
    await this.tasks.create(id, { rootfs: [], io: noIo });
    await this.tasks.start({ containerId: id });
    // A shim may be slow to tell: the daemon that the test stops next must not miss it.
    await this.topics(id, "/tasks/start");
    return id;
  }

  bundle(id: string): string {
    return join(this.root, "state/runtime/test", id);
  }

  /** The topics of a container's events, once the last of them is `last`. */
  async topics(id: string, last: string): Promise<string[]> {
    const own = (): string[] =>
      this.events.filter(({ event }) => Buffer.from(event.value).includes(id)).map(({ topic }) => topic);
    while (own().at(-1) !== last) {
      await new Promise<void>((resolve) => {
        this.#onEvent = resolve;
      });
    }
    return own();
  }

  /** Kills and deletes what is left. */
  async end(): Promise<void> {
    if (!this.#running) await this.start();
    for (const { containerId } of await this.tasks.list()) {
      await this.tasks.kill({ containerId }, 9, { all: true }).catch(silent);
      await this.tasks.wait({ containerId });
      await this.tasks.delete(containerId).catch(silent);
    }
    await this.stop();
    for (const { mountPoint } of readMountInfo()) {
      if (mountPoint.startsWith(this.root)) unmountAll(mountPoint, MNT.DETACH);
    }
    rmSync(this.root, { recursive: true });
  }

  async #record(exchange: Exchange, signal: AbortSignal): Promise<void> {
    for await (const envelope of exchange.subscribe([], { signal })) {
      this.events.push(envelope);
      this.#onEvent?.();
    }
  }

  #stores(): MetadataStores {
    const containers = {
      get: async (id: string): Promise<Container> => {
        const container = this.#containers.get(id);
        if (!container) throw new Fault("not_found", `container "${id}" in namespace "test": not found`);
        return container;
      },
    };
    return { scoped: () => ({ containers }) } as unknown as MetadataStores;
  }
}

/** A process in a runtime spec. */
export function processSpec(args: readonly string[]): object {
  return {
    user: { uid: 0, gid: 0 },
    args,
    env: ["PATH=/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {},
  };
}
