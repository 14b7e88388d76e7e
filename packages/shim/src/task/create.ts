import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TaskCreateSchema } from "@slipway/api/containerd/events/events_pb";
import type { CreateTaskRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault, messageOf } from "@slipway/fault/fault";
import { expectMoves } from "@slipway/linux/cgroup/moves";
import { mountAll } from "@slipway/linux/mount";
import { saveTask } from "../adoption/record.ts";
import { readBundleConfig } from "../bundle-config.ts";
import { type RuntimeOptions, type RuntimeRecord, runtimeRecord, writeRuntimeRecord } from "../bundle.ts";
import { Container } from "../container.ts";
import { TaskProcess } from "../process.ts";
import { OciRuntime, readPidFile } from "../runtime/oci-runtime.ts";
import type { Request, Shim } from "../shim.ts";
import { openStreams } from "../stdio/streams.ts";
import { initExited } from "./exit.ts";
import { watchOom } from "./oom.ts";

type CreateRequest = Request<CreateTaskRequest>;

/** Mounts the root file system, has the runtime create the container, and stops short of the user's program. */
export async function createTask(shim: Shim, request: CreateRequest): Promise<{ pid: number }> {
  return await shim.creating(request.id, async () => await createContainer(shim, request));
}

async function createContainer(shim: Shim, request: CreateRequest): Promise<{ pid: number }> {
  void expectMoves();
  using undo = new DisposableStack();
  const { namespace, runtimeRoot } = shim.options;
  const record = runtimeRecord(await runcsOptions(request.options), namespace, runtimeRoot);
  const config = readBundleConfig(request.bundle);
  writeRuntimeRecord(request.bundle, record);
  const rootfs = request.rootfs.length === 0 ? "" : join(request.bundle, "rootfs");
  if (rootfs !== "") undo.use(mountRootfs(request, rootfs));

  const init = new TaskProcess(request.id, request);
  const runtime = new OciRuntime(record, request.bundle, shim.reaper);
  const { id, bundle } = request;
  const { ioOwner } = record;
  const container = new Container({ id, bundle, config, runtime, init, rootfs, ioOwner });
  using _early = shim.reaper.beginning();
  const pid = request.checkpoint === "" ? await create(shim, container, record) : 0;
  if (request.checkpoint !== "")
    container.restore = { checkpoint: request.checkpoint, parent: request.parentCheckpoint };
  init.state = { status: "created", pid };
  shim.containers.set(request.id, container);
  undo.move();
  saveTask(shim, container);

  shim.events.publish("/tasks/create", TaskCreateSchema, {
    containerId: request.id,
    bundle: request.bundle,
    rootfs: request.rootfs,
    io: { stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, terminal: request.terminal },
    checkpoint: request.checkpoint,
    pid,
  });
  if (pid !== 0) {
    container.stopOomWatch = watchOom(shim, container, pid);
    shim.reaper.watch(pid, (exit) => void initExited(shim, container, exit));
  }
  return { pid };
}

/** Options of another kind are rare, and so is the code that reads them. */
async function runcsOptions(options: CreateTaskRequest["options"]): Promise<RuntimeOptions> {
  if (options?.typeUrl.endsWith("runtimeoptions.v1.Options") !== true) return options;
  const { fromGenericOptions } = await import("../runtime/generic-options.ts");
  return fromGenericOptions(options);
}

async function create(shim: Shim, container: Container, record: RuntimeRecord): Promise<number> {
  const pidFile = join(container.bundle, "init.pid");
  const args = ["create", "--bundle", container.bundle, "--pid-file", pidFile];
  if (record.noPivotRoot) args.push("--no-pivot");
  if (record.noNewKeyring) args.push("--no-new-keyring");
  container.init.streams = await openStreams(
    container.init.paths,
    container.streamsOf("", shim.options.namespace, "at start"),
    (stdio, extra, said) =>
      container.runtime.run("OCI runtime create failed", [...args, ...extra, container.id], { stdio, said }),
  );
  try {
    return readPidFile(pidFile);
  } catch (error) {
    // Nothing reads or writes them.
    await container.init.closeStreams();
    throw error;
  }
}

function mountRootfs(request: CreateRequest, rootfs: string): Disposable {
  try {
    mkdirSync(rootfs, { recursive: true, mode: 0o711 });
    return mountAll(request.rootfs, rootfs);
  } catch (error) {
    throw new Fault("unknown", `failed to mount rootfs component: ${messageOf(error)}`, { cause: error });
  }
}
