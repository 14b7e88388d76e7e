import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FieldMask, Timestamp } from "@bufbuild/protobuf/wkt";
import type {
  Descriptor as DescriptorMessage,
  DescriptorSchema,
  Mount as MountMessage,
  MountSchema,
} from "@slipway/api/containerd/types/types_pb";
import type { Any } from "@slipway/core/any";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Descriptor } from "@slipway/oci/descriptor";
import { parseDigest } from "@slipway/oci/digest";

/** A date as google.protobuf.Timestamp: seconds are floored, so that dates before 1970 hold. */
export function toTimestamp(date: Date): { seconds: bigint; nanos: number } {
  const milliseconds = date.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

/** The timestamp as a date, to the millisecond: nothing when it was not set. */
export function fromTimestamp(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}

/** The paths of a field mask; nothing when there is none, which means "replace everything". */
export function fieldPathsOf(mask: FieldMask | undefined): readonly string[] | undefined {
  return mask !== undefined && mask.paths.length > 0 ? mask.paths : undefined;
}

/** The message's type and bytes alone, without what the protobuf library keeps beside them. */
export function fromAny(any: Any): Any {
  return { typeUrl: any.typeUrl, value: any.value };
}

/** The protobuf library's types say that bytes are not shared memory; ours never are. */
export function toAny({ typeUrl, value }: Any): { typeUrl: string; value: Uint8Array<ArrayBuffer> } {
  return { typeUrl, value: value as Uint8Array<ArrayBuffer> };
}

export function fromAnys(anys: Readonly<Record<string, Any>>): Record<string, Any> {
  return Object.fromEntries(Object.entries(anys).map(([name, any]) => [name, fromAny(any)]));
}

export function toDescriptor(descriptor: Descriptor): MessageInitShape<typeof DescriptorSchema> {
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: BigInt(descriptor.size),
    annotations: { ...descriptor.annotations },
  };
}

/** @throws {Fault} `invalid_argument` for a malformed digest */
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
