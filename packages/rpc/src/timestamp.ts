import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { nanosecondsOf, PreciseDate } from "@slipway/fault/precise-date";

/** A date as google.protobuf.Timestamp: seconds are floored, so that dates before 1970 hold. */
export function toTimestamp(date: Date): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(date.getTime() / 1000)), nanos: nanosecondsOf(date) };
}

/** A timestamp as a date with its nanoseconds; undefined if it was not set. */
export function fromTimestamp(timestamp: Pick<Timestamp, "seconds" | "nanos">): Date;
export function fromTimestamp(timestamp: Pick<Timestamp, "seconds" | "nanos"> | undefined): Date | undefined;
export function fromTimestamp(timestamp: Pick<Timestamp, "seconds" | "nanos"> | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const milliseconds = Math.floor(timestamp.nanos / 1_000_000);
  return new PreciseDate(
    Number(timestamp.seconds) * 1000 + milliseconds,
    timestamp.nanos - milliseconds * 1_000_000,
  );
}
