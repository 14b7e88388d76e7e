import type { MessageInitShape } from "@bufbuild/protobuf";
import { Tasks } from "@slipway/api/containerd/services/tasks/v1/tasks_pb";
import { type ProcessSchema, Status } from "@slipway/api/containerd/v1/types/types_pb";
import type { MetricSchema } from "@slipway/api/containerd/types/types_pb";
import { fromAny, toAny, fromDescriptor, fromMounts, toDescriptor } from "@slipway/client/messages";
import { toTimestamp } from "@slipway/rpc/timestamp";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Mount } from "@slipway/core/mounts/mount";
import type { TaskManagers } from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import type { ProcessIo, ProcessRef, ProcessState, TaskManager, TaskStatus } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { detailsOnRequest } from "@slipway/rpc/details-on-request";
import {
  type CallContext,
  serve,
  type ServiceHandlers,
  type ServiceRegistration,
} from "@slipway/rpc/service";
import { required } from "./required.ts";
import { namespaceOf, scopeOf, storesOf } from "./scope.ts";

export function tasksService(managers: TaskManagers, stores: MetadataStores): ServiceRegistration {
  const tasksOf = (context: CallContext): TaskManager => {
    const { namespace, lease } = scopeOf(context);
    return managers.scoped(namespace, lease);
  };
  const handlers: Partial<ServiceHandlers<typeof Tasks>> = {
    async create(request, context) {
      const { containerId, checkpoint, options, runtimePath } = request;
      const rootfs =
        request.rootfs.length > 0
          ? fromMounts(request.rootfs)
          : await snapshotMounts(stores, containerId, context);
      const pid = await tasksOf(context).create(containerId, {
        rootfs,
        io: ioOf(request),
        ...(checkpoint ? { checkpoint: fromDescriptor(checkpoint) } : {}),
        ...(options ? { options: fromAny(options) } : {}),
        ...(runtimePath === "" ? {} : { runtimePath }),
      });
      return { containerId, pid };
    },
    async start(request, context) {
      return { pid: await tasksOf(context).start(refOf(request)) };
    },
    async delete({ containerId }, context) {
      const { pid, exitStatus, exitedAt } = await tasksOf(context).delete(containerId);
      return { id: containerId, pid, exitStatus, exitedAt: toTimestamp(exitedAt) };
    },
    async deleteProcess({ containerId, execId }, context) {
      const { pid, exitStatus, exitedAt } = await tasksOf(context).deleteProcess(containerId, execId);
      return { id: execId, pid, exitStatus, exitedAt: toTimestamp(exitedAt) };
    },
    async get(request, context) {
      return { process: toMessage(await tasksOf(context).get(refOf(request))) };
    },
    async list(_, context) {
      return { tasks: (await tasksOf(context).list()).map(toMessage) };
    },
    async kill(request, context) {
      await tasksOf(context).kill(refOf(request), request.signal, { all: request.all });
      return {};
    },
    async exec(request, context) {
      const spec = fromAny(required(request.spec, "spec"));
      await tasksOf(context).exec(request.containerId, request.execId, { io: ioOf(request), spec });
      return {};
    },
    async resizePty(request, context) {
      await tasksOf(context).resizePty(refOf(request), { columns: request.width, rows: request.height });
      return {};
    },
    async closeIO(request, context) {
      if (request.stdin) await tasksOf(context).closeStdin(refOf(request));
      return {};
    },
    async pause({ containerId }, context) {
      await tasksOf(context).pause(containerId);
      return {};
    },
    async resume({ containerId }, context) {
      await tasksOf(context).resume(containerId);
      return {};
    },
    async listPids({ containerId }, context) {
      const processes = await tasksOf(context).pids(containerId);
      return { processes: processes.map(({ pid, info }) => ({ pid, ...(info ? { info } : {}) })) };
    },
    async checkpoint({ containerId, options }, context) {
      const parts = await tasksOf(context).checkpoint(containerId, options && fromAny(options));
      return { descriptors: parts.map(toDescriptor) };
    },
    async update({ containerId, resources, annotations }, context) {
      await tasksOf(context).update(containerId, fromAny(required(resources, "resources")), annotations);
      return {};
    },
    async metrics({ filters }, context) {
      return { metrics: await metricsOf(tasksOf(context), namespaceOf(context), filters) };
    },
    async wait(request, context) {
      const exit = await tasksOf(context).wait(refOf(request), { signal: context.signal });
      return { exitStatus: exit.exitStatus, exitedAt: toTimestamp(exit.exitedAt) };
    },
  };
  return serve(Tasks, detailsOnRequest(handlers));
}

/** Clients normally send the mounts; without them the container's own snapshot is meant. */
async function snapshotMounts(stores: MetadataStores, id: string, context: CallContext): Promise<Mount[]> {
  const scoped = storesOf(stores, context);
  const { snapshotter, snapshotKey } = await scoped.containers.get(id);
  if (snapshotter === "" || snapshotKey === "") return [];
  return await scoped.snapshotter(snapshotter).mounts(snapshotKey);
}

/** The metrics of the tasks that match. A task that ends meanwhile is left out. */
async function metricsOf(
  tasks: TaskManager,
  namespace: string,
  filters: readonly string[],
): Promise<MessageInitShape<typeof MetricSchema>[]> {
  const matches = compileFilters(filters);
  const ids = (await tasks.list())
    .map(({ containerId }) => containerId)
    .filter((id) =>
      matches(([field]) => (field === "id" ? id : field === "namespace" ? namespace : undefined)),
    );
  const found = await Promise.all(
    ids.map(async (id) => {
      try {
        return [{ id, timestamp: toTimestamp(now()), data: toAny(await tasks.metrics(id)) }];
      } catch (error) {
        if (hasCode(error, "not_found")) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

function refOf({
  containerId,
  execId,
}: {
  readonly containerId: string;
  readonly execId: string;
}): ProcessRef {
  return execId === "" ? { containerId } : { containerId, execId };
}

function ioOf({ stdin, stdout, stderr, terminal }: ProcessIo): ProcessIo {
  return { stdin, stdout, stderr, terminal };
}

const statuses: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};

function toMessage(process: ProcessState): MessageInitShape<typeof ProcessSchema> {
  const { exit } = process;
  return {
    containerId: process.containerId,
    id: process.id,
    pid: process.pid,
    status: statuses[process.status],
    ...process.io,
    ...(exit ? { exitStatus: exit.exitStatus, exitedAt: toTimestamp(exit.exitedAt) } : {}),
  };
}
