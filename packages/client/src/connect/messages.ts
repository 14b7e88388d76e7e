import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AnySchema, FieldMask, Timestamp } from "@bufbuild/protobuf/wkt";
import type {
  Descriptor as DescriptorMessage,
  DescriptorSchema,
  Mount as MountMessage,
  MountSchema,
} from "@slipway/api/containerd/types/types_pb";
import type { Any } from "@slipway/core/any";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { parseDigest } from "@slipway/oci/digest";

type AnyInit = MessageInitShape<typeof AnySchema>;

/** A date as google.protobuf.Timestamp. */
export function toTimestamp(date: Date): { seconds: bigint; nanos: number } {
  const milliseconds = date.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

/** A timestamp as a date, to the millisecond; the epoch when it was not set. */
export function toDate(timestamp: Timestamp | undefined): Date {
  if (timestamp === undefined) return new Date(0);
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}

/** A field mask, left out when nothing was named. */
export function maskOf(paths: readonly string[] | undefined): { updateMask?: Pick<FieldMask, "paths"> } {
  return paths === undefined || paths.length === 0 ? {} : { updateMask: { paths: [...paths] } };
}

export function toAny(any: Any): AnyInit {
  return { typeUrl: any.typeUrl, value: any.value };
}

export function fromAny(any: Any): Any {
  return { typeUrl: any.typeUrl, value: any.value };
}

export function toAnys(anys: Readonly<Record<string, Any>>): Record<string, AnyInit> {
  return Object.fromEntries(Object.entries(anys).map(([name, any]) => [name, toAny(any)]));
}

export function fromAnys(anys: Readonly<Record<string, Any>>): Record<string, Any> {
  return Object.fromEntries(Object.entries(anys).map(([name, any]) => [name, fromAny(any)]));
}

export function toDescriptor(descriptor: Descriptor): MessageInitShape<typeof DescriptorSchema> {
  const { mediaType, digest, size, annotations } = descriptor;
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
}

export function fromDescriptor(message: DescriptorMessage): Descriptor {
  const { mediaType, digest, size, annotations } = message;
  return {
    mediaType,
    digest: parseDigest(digest),
    size: Number(size),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

export function toMounts(mounts: readonly Mount[]): MessageInitShape<typeof MountSchema>[] {
  return mounts.map(({ type, source, target, options }) => ({
    type,
    source,
    target: target ?? "",
    options: [...options],
  }));
}

export function fromMounts(messages: readonly MountMessage[]): Mount[] {
  return messages.map(({ type, source, target, options }) => ({
    type,
    source,
    options,
    ...(target === "" ? {} : { target }),
  }));
}

/** What an answer must have. @throws {Fault} `internal` when the daemon left it out */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Fault("internal", `The daemon's answer has no ${what}`);
  return value;
}
