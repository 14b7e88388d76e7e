import { closeSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FoundLeak } from "@slipway/core/doctor";
import { pidfdOpen, pidfdSendSignal } from "@slipway/linux/pidfd";
import { processStartedAt } from "@slipway/linux/process-stat";
import { isSystemError, onReadable } from "@slipway/linux/system-call";
import { parseSpecField } from "@slipway/oci/documents/runtime-spec";
import { readBootstrap } from "../bootstrap.ts";
import { Bundle } from "../bundle.ts";
import { ShimConnection } from "../shim-connection.ts";
import type { Look } from "./leaks.ts";

const SHUTDOWN_MS = 3000;
const DELETE_MS = 5000;
const SIGKILL = 9;

/** Shims of this daemon that hold no task of it: ours by their socket, others by the address, the id and where they work. */
export function findShims(look: Look): FoundLeak[] {
  return processes().flatMap(({ pid, args }) => {
    if (look.isYoung(processStartedAt(pid)?.getTime() ?? Date.now())) return [];
    const socket = valueOf(args, "-socket");
    if (socket !== undefined && dirname(socket) === look.socketDir) return ownShim(look, pid, socket);
    const [id, namespace] = [valueOf(args, "-id"), valueOf(args, "-namespace")];
    if (valueOf(args, "-address") !== look.grpcAddress || id === undefined || namespace === undefined)
      return [];
    if (!isShim(args) || !worksBelow(look.folders.stateDir, pid) || holdsOther(look, namespace, args))
      return [];
    if (look.registry.has(namespace, id)) return [];
    const reason = `no task "${id}" needs this shim`;
    return [leak(pid, namespace, reason, () => endShim(look, pid, namespace, id))];
  });
}

/** The namespaces that other daemons of this machine have tasks in, also such as have ended: those keep their shims. */
export function namespacesOfOthers({ socketDir, folders }: Look): ReadonlySet<string> {
  const others = processes().filter(({ pid, args }) => {
    const socket = valueOf(args, "-socket");
    const isOurs = socket === undefined ? worksBelow(folders.stateDir, pid) : dirname(socket) === socketDir;
    // Ours is a script, which may be run from source.
    return (isShim(args) || (socket !== undefined && args.includes("-runtime-root"))) && !isOurs;
  });
  return new Set(others.map(({ args }) => valueOf(args, "-namespace") ?? ""));
}

function isShim(args: readonly string[]): boolean {
  return basename(args[0] ?? "").startsWith("containerd-shim-");
}

/** Shims work in their bundles: the address alone may have been that of another daemon before. */
function worksBelow(stateDir: string, pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${stateDir}/`);
  } catch {
    return false;
  }
}

/** A shim of another kind may hold the tasks of a pod, and bears the id of the first. */
function holdsOther({ registry }: Look, namespace: string, args: readonly string[]): boolean {
  const id = valueOf(args, "-id");
  return registry
    .list(namespace)
    .some(({ bundle }) => id !== undefined && bundle.id !== id && groupOf(bundle.path) === id);
}

function groupOf(bundle: string): string | undefined {
  try {
    const spec = parseSpecField("config.json", readFileSync(join(bundle, "config.json")));
    const annotations = spec.get("annotations").textRecord();
    return annotations["io.containerd.runc.v2.group"] ?? annotations["io.kubernetes.cri.sandbox-id"];
  } catch {
    return undefined;
  }
}

function ownShim(look: Look, pid: number, socket: string): FoundLeak[] {
  if (look.own.knows(socket) || bundleWith(look, `unix://${socket}`)) return [];
  const reason = "no task, and no bundle, names this shim";
  return [leak(pid, "", reason, () => endOwnShim(pid, socket))];
}

/** Its program then removes what it held, as after any other death of a shim. */
async function endShim(look: Look, pid: number, namespace: string, id: string): Promise<void> {
  const { registry, folders, launcher } = look;
  using _reserved = registry.reserve(namespace, id);
  const program = readlinkSync(`/proc/${pid}/exe`);
  await endProcess(pid);
  const bundle = new Bundle(folders, namespace, id);
  using _bundle = { [Symbol.dispose]: () => bundle.delete() };
  // Its program works there. That of runc asks which runtime it was: the usual one.
  mkdirSync(join(bundle.path, "rootfs"), { recursive: true, mode: 0o700 });
  bundle.write("runtime", "");
  await launcher.program(program, bundle).delete(AbortSignal.timeout(DELETE_MS));
}

/** Whether a bundle names the shim: then it may hold a container. */
function bundleWith({ folders, namespaces }: Look, address: string): boolean {
  return namespaces.some((namespace) =>
    namesIn(join(folders.stateDir, namespace)).some((id) => {
      try {
        return readBootstrap({ path: join(folders.stateDir, namespace, id) }).address === address;
      } catch {
        return false;
      }
    }),
  );
}

function leak(pid: number, namespace: string, reason: string, remove: () => Promise<void>): FoundLeak {
  return { id: `shim:${pid}`, kind: "shim", namespace, where: `pid ${pid}`, reason, isAlive: true, remove };
}

async function endOwnShim(pid: number, socket: string): Promise<void> {
  const connection = ShimConnection.open(socket);
  await connection.tasks.shutdown({ now: true }, { timeoutMs: SHUTDOWN_MS }).catch(() => undefined);
  await connection.close();
  await endProcess(pid);
  rmSync(socket, { force: true });
}

/** Resolves when it is gone. */
async function endProcess(pid: number): Promise<void> {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (isSystemError(error, "ESRCH")) return;
    throw error;
  }
  const ended = Promise.withResolvers<void>();
  const stop = onReadable(pidfd, ended.resolve);
  pidfdSendSignal(pidfd, SIGKILL);
  await ended.promise;
  stop();
  closeSync(pidfd);
}

/** Sockets in the daemon's folder that nobody listens at. */
export function findSockets({ socketDir, own, isYoung }: Look): FoundLeak[] {
  const alive = new Set(processes().map(({ args }) => valueOf(args, "-socket")));
  return namesIn(socketDir)
    .map((name) => join(socketDir, name))
    .filter((path) => path.endsWith(".sock") && !own.knows(path) && !alive.has(path))
    .filter((path) => !isYoung(statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Date.now()))
    .map((path) => ({
      id: `socket:${path}`,
      kind: "socket",
      namespace: "",
      where: path,
      reason: "its shim is dead",
      isAlive: false,
      remove: async () => rmSync(path, { force: true }),
    }));
}

interface Process {
  readonly pid: number;
  readonly args: readonly string[];
}

function processes(): Process[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const args = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return [{ pid: Number(name), args: withoutInterpreter(args) }];
      } catch {
        // It ended.
        return [];
      }
    });
}

/** Our own shim is a script: `node .../containerd-shim-slipway-v1 ...`. */
function withoutInterpreter(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => basename(arg).startsWith("containerd-shim-"));
  return at > 0 ? args.slice(at) : args;
}

function valueOf(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
