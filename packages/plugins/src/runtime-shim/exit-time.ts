import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { fromTimestamp } from "@slipway/client/messages";

/** A shim that does not say when a process ended means now. */
export function exitTime(timestamp: Timestamp | undefined): Date {
  return fromTimestamp(timestamp) ?? new Date();
}
