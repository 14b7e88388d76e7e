import { TaskExecAddedSchema } from "@slipway/api/containerd/events/events_pb";
import type { ExecProcessRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault } from "@slipway/fault/fault";
import { expectMoves } from "@slipway/linux/cgroup/moves";
import { parseSpecJson } from "@slipway/oci/spec-json";
import { refuse, TaskProcess } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Adds a process to a container; Start runs it. */
export function execTask(shim: Shim, request: Request<ExecProcessRequest>): Record<string, never> {
  const container = shim.container(request.id);
  const { execId } = request;
  if (container.execs.has(execId)) throw new Fault("already_exists", `id ${execId}`);
  const { status } = container.init.state;
  if (status === "paused" || status === "stopped") refuse(`cannot exec in a ${status} state`);
  void expectMoves();
  const json = Buffer.from(request.spec?.value ?? new Uint8Array()).toString();
  const spec = parseSpecJson(json) as Record<string, unknown>;
  container.specs.set(execId, spec);
  container.execs.set(execId, new TaskProcess(execId, request));
  shim.events.publish("/tasks/exec-added", TaskExecAddedSchema, { containerId: container.id, execId });
  return {};
}
