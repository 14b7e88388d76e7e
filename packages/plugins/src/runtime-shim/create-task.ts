import { dirname, resolve } from "node:path";
import { toAny } from "@slipway/client/messages";
import type { Container } from "@slipway/core/containers";
import type { Mount } from "@slipway/core/mounts/mount";
import type { CreateTaskOptions } from "@slipway/core/tasks";
import { codeOf, Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { Bundle, type BundleFolders } from "./bundle.ts";
import { type Checkpoints, namedRestoreFolder } from "./checkpoints.ts";
import { type BundleSpec, parseSpec } from "./bundle-spec.ts";
import type { Activation } from "./mounts/activate.ts";
import { needsActivation } from "./mounts/needs-activation.ts";
import { shimGroup } from "./shim-group.ts";
import type { ShimTask } from "./shim-task.ts";
import type { TaskManagerParts } from "./task-manager.ts";

/** Makes the bundle, finds a shim, and has it create the container. @returns the pid of its first process */
export async function createTask(
  { registry, launcher, folders }: TaskManagerParts,
  checkpoints: Checkpoints,
  namespace: string,
  container: Container,
  options: CreateTaskOptions,
): Promise<number> {
  const { id, runtime } = container;
  const spec = container.spec && parseSpec(container.spec);
  using _reserved = registry.reserve(namespace, id);
  await using undo = new AsyncDisposableStack();
  const bundle = Bundle.create(folders, namespace, id, spec);
  undo.defer(() => bundle.delete());

  const taskOptions = options.options?.value.length ? options.options : runtime.options;
  let checkpoint = namedRestoreFolder(taskOptions, options.checkpoint) ?? "";
  if (checkpoint === "" && options.checkpoint) {
    // It is read when the task is started, and goes with the bundle.
    checkpoint = undo.use(await bundle.workFolder("restore-")).path;
    await checkpoints.load(options.checkpoint, checkpoint);
  }
  const group = shimGroup(namespace, container, spec, taskOptions);
  const name = options.runtimePath ?? runtime.name;
  // What the daemon holds for the runtime until that has it.
  using mounts = needsActivation(options.rootfs)
    ? await activated(bundle, folders, options.rootfs, await launcher.allowedMounts(bundle, name))
    : undefined;
  const rootfs = mounts?.rest ?? options.rootfs;
  const task = await saying("failed to start shim", launcher.launch(bundle, group, name, taskOptions));
  undo.defer(() => giveUp(task));
  const request = {
    id,
    bundle: bundle.path,
    rootfs: rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
    ...options.io,
    checkpoint,
    ...(taskOptions ? { options: toAny(taskOptions) } : {}),
  };
  task.io = options.io;
  const missing = options.rootfs.length === 0 ? whatIsMissing(bundle, spec) : "";
  task.pid = await saying("failed to create shim task", create(task, request), missing);
  registry.add(task);
  undo.move();
  return task.pid;
}

/** Makes what the runtime cannot, below the bundle, which goes with the task. */
async function activated(
  bundle: Bundle,
  { rootDir }: BundleFolders,
  mounts: readonly Mount[],
  allowed: readonly string[],
): Promise<Activation> {
  const { activate } = await import("./mounts/activate.ts");
  return await activate(mounts, allowed, {
    folder: bundle.mounts,
    roots: [bundle.mounts, dirname(rootDir)],
  });
}

async function create(
  { shim, call }: ShimTask,
  request: Parameters<ShimTask["shim"]["tasks"]["create"]>[0],
): Promise<number> {
  try {
    return (await shim.tasks.create(request, call)).pid;
  } catch (error) {
    if (!hasCode(error, "unimplemented") || shim.bootstrap.version < 3) throw error;
    shim.downgrade();
    return (await shim.tasks.create(request, call)).pid;
  }
}

/** Without mounts and without a path of its own, the container's root is the bundle's empty directory: no program is found. */
function whatIsMissing({ id, path }: Bundle, spec: BundleSpec | undefined): string {
  if (!spec || resolve(path, spec.rootPath) !== resolve(path, "rootfs")) return "";
  return `; container "${id}" has no root file system: neither does the request have mounts, nor the container a snapshot`;
}

/** A shim that could not create the container may hold a part of it. */
async function giveUp(task: ShimTask): Promise<void> {
  const quickly = { ...task.call, timeoutMs: 5000 };
  const failed = await task.shim.tasks.delete({ id: task.id }, quickly).then(noError, asError);
  // A shim that died in the middle of it leaves that to its program.
  if (hasCode(failed, "unavailable")) await task.binary.delete(AbortSignal.timeout(5000)).catch(noError);
  await task.release().catch(noError);
}

function noError(): undefined {
  return undefined;
}

function asError(error: unknown): unknown {
  return error;
}

async function saying<T>(what: string, work: Promise<T>, hint = ""): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const details = error instanceof Fault ? error.details : [];
    throw new Fault(codeOf(error), `${what}: ${messageOf(error)}${hint}`, { cause: error, details });
  }
}
