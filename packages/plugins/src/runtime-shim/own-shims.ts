import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import { joinCgroup } from "@slipway/linux/cgroup/join";
import { listeningSocket } from "@slipway/linux/listening-socket";
import { socketPath } from "./bootstrap.ts";
import { daemonEnvironment } from "./shim-binary.ts";
import { ShimConnection } from "./shim-connection.ts";
import type { ShimGroup } from "./shim-group.ts";
import { openLogWriter, ShimLog } from "./shim-log.ts";

export interface OwnShimOptions {
  /** `containerd-shim-slipway-v1`. */
  readonly binary: string;
  /** Where their sockets are: short, because a socket's path may have 107 bytes. */
  readonly socketDir: string;
  /** runc's root, without the namespace. */
  readonly runtimeRoot: string;
  readonly eventsAddress: string;
  readonly containersPerShim: number;
  readonly log: Logger;
}

interface OwnShim {
  readonly group: ShimGroup;
  readonly connection: ShimConnection;
  containers: number;
  idle?: NodeJS.Timeout;
}

/** Our own shims: one process for all containers of a pod, or for a hundred of a namespace. */
export class OwnShims {
  readonly #options: OwnShimOptions;
  readonly #log: ShimLog;
  readonly #shims = new Map<ShimConnection, OwnShim>();
  readonly #successors = new Map<string, ShimConnection>();

  constructor(options: OwnShimOptions) {
    this.#options = options;
    mkdirSync(options.socketDir, { recursive: true, mode: 0o700 });
    this.#log = new ShimLog(this.#logPath);
  }

  get binary(): string {
    return this.#options.binary;
  }

  /** A shim with room for a container of the group. The room is taken until `release`. */
  acquire(group: ShimGroup): ShimConnection {
    // Those that belong together stay together.
    const limit = group.name === "" ? this.#options.containersPerShim : Infinity;
    const shim = this.#of(group).find(({ containers }) => containers < limit) ?? this.#start(group);
    clearTimeout(shim.idle);
    shim.containers += 1;
    return shim.connection;
  }

  /** A container of the shim is gone. A shim without containers ends: at once when nobody else may come to it. */
  release(connection: ShimConnection): void {
    const shim = this.#shims.get(connection);
    if (!shim) return;
    shim.containers -= 1;
    if (shim.containers > 0) return;
    if (shim.group.name === "" && this.#options.containersPerShim > 1) this.#endLater(shim);
    else void this.#end(shim);
  }

  /** Whether the first container of the group would have to wait for a shim that is worth keeping. */
  isCold(group: ShimGroup): boolean {
    return this.#options.containersPerShim > 1 && this.#of(group).length === 0;
  }

  /** Has a shim ready for the first container of a group. */
  prewarm(group: ShimGroup): void {
    if (this.isCold(group)) this.#endLater(this.#start(group));
  }

  /**
   * A shim in the place of the one at `address`, which died: it takes over the containers `ids` with bundles in `bundles` before it
   * answers. Each has to be released, as if acquired.
   */
  succeed(
    address: string,
    group: ShimGroup,
    { bundles, ids }: { readonly bundles: string; readonly ids: readonly string[] },
  ): ShimConnection {
    const known = this.#successors.get(address);
    if (known) return known;
    rmSync(socketPath(address), { force: true });
    this.#options.log.warn("a shim died: another takes its containers over", {
      namespace: group.namespace,
      containers: ids.length,
    });
    const shim = this.#start(group, ["-bundles", bundles, "-adopt", ids.join(",")]);
    shim.containers = ids.length;
    this.#successors.set(address, shim.connection);
    return shim.connection;
  }

  /** Knows a shim again that an earlier daemon started, with one more container in it. */
  foundAgain(connection: ShimConnection, group: ShimGroup): void {
    const shim = this.#shims.get(connection) ?? this.#add(connection, group);
    shim.containers += 1;
  }

  /** Whether the shim that listens at `path` is in use. */
  knows(path: string): boolean {
    return [...this.#shims.keys()].some(({ bootstrap }) => bootstrap.address === `unix://${path}`);
  }

  /** Ends the shims that an earlier daemon left without containers, and removes what dead ones left. */
  async endStrays(): Promise<void> {
    const known = new Set([...this.#shims.keys()].map(({ bootstrap }) => bootstrap.address));
    const { socketDir } = this.#options;
    const paths = readdirSync(socketDir).map((name) => join(socketDir, name));
    const strays = paths.filter((path) => path.endsWith(".sock") && !known.has(`unix://${path}`));
    await Promise.all(
      strays.map(async (path) => {
        const connection = ShimConnection.open(path);
        await shutDown(connection);
        rmSync(path, { force: true });
      }),
    );
  }

  /** Shims with containers go on; the others end. */
  async stop(): Promise<void> {
    const empty = [...this.#shims.values()].filter(({ containers }) => containers === 0);
    await Promise.all(empty.map((shim) => this.#end(shim)));
    this.#log[Symbol.dispose]();
  }

  get #logPath(): string {
    return join(this.#options.socketDir, "log");
  }

  #of({ namespace, name }: ShimGroup): OwnShim[] {
    return [...this.#shims.values()].filter(
      ({ group }) => group.namespace === namespace && group.name === name,
    );
  }

  #add(connection: ShimConnection, group: ShimGroup): OwnShim {
    const shim: OwnShim = { group, connection, containers: 0 };
    this.#shims.set(connection, shim);
    void this.#forgetClosed(shim);
    return shim;
  }

  async #forgetClosed(shim: OwnShim): Promise<void> {
    await shim.connection.closed;
    clearTimeout(shim.idle);
    this.#shims.delete(shim.connection);
  }

  /** The socket is there before the process: who connects need not wait until it runs. */
  #start(group: ShimGroup, more: readonly string[] = []): OwnShim {
    const { binary, socketDir, runtimeRoot, eventsAddress, log } = this.#options;
    const path = join(socketDir, `${randomBytes(12).toString("hex")}.sock`);
    using socket = listeningSocket(path);
    using output = openLogWriter(this.#logPath);
    const flags = ["-namespace", group.namespace, "-events", eventsAddress, "-runtime-root", runtimeRoot];
    const child = spawn(binary, [...flags, ...more, "-socket", path], {
      cwd: "/",
      detached: true,
      env: daemonEnvironment(),
      stdio: ["ignore", "ignore", output.fd, socket.fd],
    });
    child.unref();
    child.once("error", (error) => log.error("cannot start a shim", { error: messageOf(error) }));
    child.once("exit", (code, signal) => {
      rmSync(path, { force: true });
      // What it printed, if anything, is in the log by itself.
      if (code !== 0) log.warn("a shim ended by a mistake or a signal", { pid: child.pid, code, signal });
    });
    if (child.pid !== undefined) settle(child.pid, group);
    return this.#add(ShimConnection.open(path), group);
  }

  #endLater(shim: OwnShim): void {
    shim.idle = setTimeout(() => void this.#end(shim), IDLE_MS).unref();
  }

  async #end(shim: OwnShim): Promise<void> {
    clearTimeout(shim.idle);
    // Nobody may come to it any more.
    this.#shims.delete(shim.connection);
    await shutDown(shim.connection);
  }
}
const IDLE_MS = 300_000;
const SHUTDOWN_MS = 3000;

async function shutDown(connection: ShimConnection): Promise<void> {
  // One that is dead already cannot say so.
  await connection.tasks.shutdown({}, { timeoutMs: SHUTDOWN_MS }).catch(() => undefined);
  await connection.close();
}

/** @throws when it cannot be where it is to be: then it does not run */
function settle(pid: number, { cgroup }: ShimGroup): void {
  try {
    if (cgroup !== undefined) joinCgroup(cgroup, pid);
    raiseOomScore(pid);
  } catch (error) {
    process.kill(pid, "SIGKILL");
    throw error;
  }
}

/** Killed a little sooner than the daemon, as containerd's shims are. */
function raiseOomScore(pid: number): void {
  const own = Number(readFileSync("/proc/self/oom_score_adj", "utf8"));
  writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(own + 1, 1000)));
}
