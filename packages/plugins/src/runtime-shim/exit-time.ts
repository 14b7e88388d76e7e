import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { fromTimestamp } from "@slipway/rpc/timestamp";
import { now } from "@slipway/fault/precise-date";

/** A shim that does not say when a process ended means now. */
export function exitTime(timestamp: Timestamp | undefined): Date {
  return fromTimestamp(timestamp) ?? now();
}
