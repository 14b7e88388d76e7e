import { spawn } from "node:child_process";
import { constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import type { BootstrapParams } from "@slipway/api/containerd/runtime/bootstrap/v1/bootstrap_pb";
import { joinCgroup } from "@slipway/linux/cgroup/join";
import type { Flags } from "../flags.ts";
import { readBundleConfig } from "../bundle-config.ts";
import { listenAt } from "../listen.ts";
import { DEFAULT_SOCKET_DIRECTORY, shimSocketPath } from "../socket-address.ts";

/** Containers that belong together share a shim: containerd's own label, and a pod's. */
const groupAnnotations = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/**
 * Leaves a server behind for the container in the current directory, or finds the one of its group, and prints
 * where it listens: https://github.com/containerd/containerd/blob/main/docs/runtime-v2.md
 */
export async function start(flags: Flags): Promise<void> {
  const input = readInput();
  const params = await readBootstrap(input, flags);
  const { annotations } = readBundleConfig(process.cwd());
  const group = groupAnnotations.map((name) => annotations[name]).find(Boolean) ?? flags.id;
  const path = shimSocketPath(params?.socketDir || DEFAULT_SOCKET_DIRECTORY, {
    address: flags.address,
    namespace: flags.namespace,
    group,
  });
  const server = createServer();
  const cgroup = await shimCgroup(input, params);
  if (await listenAt(server, path)) {
    spawnServer(flags, server, path, { params, cgroup });
    writeFileSync("address", `unix://${path}`);
  }
  await print(`unix://${path}`, params !== undefined);
  // The listening socket lives on in the child; closing it here the usual way would unlink it.
  process.exit(0);
}

/** The parameters that containerd 2.3 and later write; older ones write the runtime's options, or nothing. */
async function readBootstrap(input: Buffer, flags: Flags): Promise<BootstrapParams | undefined> {
  // Their first field is the id. Older daemons must not wait for protobuf code to load.
  const id = Buffer.from(flags.id);
  if (!input.subarray(2, 2 + id.length).equals(id) || input[1] !== id.length) return undefined;
  const { parseBootstrap } = await import("./bootstrap.ts");
  return parseBootstrap(input);
}

function readInput(): Buffer {
  try {
    return readFileSync(0);
  } catch {
    // Closed: a person's terminal, or nothing.
    return Buffer.alloc(0);
  }
}

/** The cgroup that runc's options name for the server. */
async function shimCgroup(input: Buffer, params: BootstrapParams | undefined): Promise<string> {
  // The key of that field. Whoever does not need it must not wait for protobuf code to load.
  if (!input.includes(0x1a)) return "";
  const { shimCgroupOf } = await import("./bootstrap.ts");
  return shimCgroupOf(input, params);
}

function spawnServer(
  flags: Flags,
  server: Server,
  path: string,
  { params, cgroup }: { readonly params: BootstrapParams | undefined; readonly cgroup: string },
): void {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const args = ["-namespace", flags.namespace, "-id", flags.id, "-address", flags.address, "-socket", path];
  const isDebug = flags.isDebug || (params !== undefined && params.logLevel <= LOG_LEVEL_DEBUG);
  if (isDebug) args.push("-debug");
  const events = params?.containerdTtrpcAddress || process.env["TTRPC_ADDRESS"] || "";
  if (events !== "") args.push("-events", events);
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    detached: true,
    stdio: ["ignore", "ignore", openLog(), descriptorOf(server)],
  });
  child.unref();
  if (child.pid === undefined) return;
  try {
    if (cgroup !== "") joinCgroup(cgroup, child.pid);
    raiseOomScore(child.pid);
  } catch (error) {
    child.kill("SIGKILL");
    server.close();
    rmSync(path, { force: true });
    throw error;
  }
}

const LOG_LEVEL_DEBUG = -4;

// The daemon reads what a shim has to say from a FIFO in the bundle.
function openLog(): number | "ignore" {
  return existsSync("log") ? openSync("log", constants.O_RDWR | constants.O_NONBLOCK) : "ignore";
}

function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { _handle?: { fd: number } };
  if (!handle) throw new Error("Cannot hand on the socket: the server does not listen");
  return handle.fd;
}

// Killed a little sooner than the daemon, as containerd's shims are.
function raiseOomScore(pid: number): void {
  const own = Number(readFileSync(`/proc/${process.ppid}/oom_score_adj`, "utf8"));
  writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(own + 1, 1000)));
}

async function print(address: string, isBootstrap: boolean): Promise<void> {
  const result = { version: 3, address, protocol: "ttrpc" };
  const isJson = Number(process.env["MAX_SHIM_VERSION"] ?? 0) >= 3;
  const answer = isBootstrap
    ? (await import("./bootstrap.ts")).encodeBootstrapResult(result)
    : isJson
      ? JSON.stringify(result)
      : address;
  await new Promise<void>((resolve) => {
    process.stdout.write(answer, () => resolve());
  });
}
