import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import type { TaskStatus } from "@slipway/core/tasks";

const statuses: Readonly<Record<Status, TaskStatus>> = {
  [Status.UNKNOWN]: "unknown",
  [Status.CREATED]: "created",
  [Status.RUNNING]: "running",
  [Status.STOPPED]: "stopped",
  [Status.PAUSED]: "paused",
  [Status.PAUSING]: "pausing",
};

/** The status of a message; "unknown" for one of a newer API. */
export function taskStatus(status: Status): TaskStatus {
  return statuses[status] ?? "unknown";
}
