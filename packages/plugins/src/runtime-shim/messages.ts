import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import type { Any } from "@slipway/core/any";
import type { TaskStatus } from "@slipway/core/tasks";

const statuses: Readonly<Record<Status, TaskStatus>> = {
  [Status.UNKNOWN]: "unknown",
  [Status.CREATED]: "created",
  [Status.RUNNING]: "running",
  [Status.STOPPED]: "stopped",
  [Status.PAUSED]: "paused",
  [Status.PAUSING]: "pausing",
};

export function taskStatus(status: Status): TaskStatus {
  return statuses[status] ?? "unknown";
}

/** To the millisecond; a shim that does not say when a process ended means now. */
export function toDate(timestamp: Timestamp | undefined): Date {
  if (!timestamp) return new Date();
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}

export function toAny({ typeUrl, value }: Any): { typeUrl: string; value: Uint8Array<ArrayBuffer> } {
  return { typeUrl, value: value as Uint8Array<ArrayBuffer> };
}
