import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TaskCheckpointedSchema } from "@slipway/api/containerd/events/events_pb";
import { type CheckpointOptions, CheckpointOptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import type { CheckpointTaskRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault } from "@slipway/fault/fault";
import { cgroupOf, cgroupPids } from "@slipway/linux/cgroup/cgroup";
import { readMessage } from "@slipway/rpc/read-message";
import { criuOptions } from "../criu/options.ts";
import { outsideStreams, writeStreams } from "../criu/outside-streams.ts";
import { refuse } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Writes a checkpoint of the container with criu. */
export async function checkpointTask(
  shim: Shim,
  request: Request<CheckpointTaskRequest>,
): Promise<Record<string, never>> {
  const container = shim.container(request.id);
  const { status } = container.init.state;
  if (status === "created") refuse("cannot checkpoint a task in created state");
  if (status === "stopped") refuse("cannot checkpoint a stopped container");
  const options = readMessage(CheckpointOptionsSchema, request.options?.value ?? new Uint8Array());
  const ownWork = join(container.bundle, "work", "criu-work");
  const work = options.workPath || ownWork;
  const args = ["checkpoint", ...checkpointArguments(options, request.path, work)];
  const streams = outsideStreams(cgroupPids(cgroupOf(container.init.pid)));
  try {
    // runc would make it, crun does not.
    mkdirSync(work, { recursive: true, mode: 0o700 });
    using told = criuOptions(
      container.bundle,
      streams.map(({ key }) => `external ${key}`),
    );
    const { env } = told;
    await container.runtime.run("OCI runtime checkpoint failed", [...args, container.id], { env });
    writeStreams(request.path, streams);
  } catch (error) {
    throw withLog(error, work, join(container.bundle, "criu-dump.log"));
  } finally {
    if (options.workPath === "") rmSync(ownWork, { recursive: true, force: true });
  }
  shim.events.publish("/tasks/checkpointed", TaskCheckpointedSchema, {
    containerId: container.id,
    checkpoint: request.path,
  });
  return {};
}

/** As containerd: the first line of what was said, and where criu's log is kept. */
function withLog(error: unknown, work: string, kept: string): unknown {
  if (!(error instanceof Fault)) return error;
  try {
    copyFileSync(join(work, "dump.log"), kept);
  } catch {
    // criu did not come so far.
    return error;
  }
  const message = `${error.message.split("\n")[0]} path= ${kept}`;
  return new Fault(error.code, message, { cause: error, details: error.details });
}

function checkpointArguments(options: CheckpointOptions, image: string, work: string): string[] {
  const args = ["--image-path", image, "--work-path", work];
  if (!options.exit) args.push("--leave-running");
  if (options.openTcp) args.push("--tcp-established");
  if (options.externalUnixSockets) args.push("--ext-unix-sk");
  if (options.terminal) args.push("--shell-job");
  if (options.fileLocks) args.push("--file-locks");
  if (options.cgroupsMode !== "") args.push("--manage-cgroups-mode", options.cgroupsMode);
  for (const namespace of options.emptyNamespaces) args.push("--empty-ns", namespace);
  return args;
}
