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
import { Fault } from "@slipway/fault/fault";
import { fromTimestamp } from "@slipway/rpc/timestamp";
import type { Descriptor } from "@slipway/oci/descriptor";
import { parseDigest } from "@slipway/oci/digest";

/*
 * The domain's values as messages and back, for whoever speaks containerd's API: client, services and the runtime.
 */

/** As fromTimestamp(); the epoch when it was not set. */
export function toDate(timestamp: Timestamp | undefined): Date {
  return fromTimestamp(timestamp) ?? new Date(0);
}

/** A field mask, left out when nothing was named. */
export function maskOf(paths: readonly string[] | undefined): { updateMask?: Pick<FieldMask, "paths"> } {
  return paths === undefined || paths.length === 0 ? {} : { updateMask: { paths: [...paths] } };
}

/** The protobuf library's types say that bytes are not shared memory; ours never are. */
export function toAny({ typeUrl, value }: Any): { typeUrl: string; value: Uint8Array<ArrayBuffer> } {
  return { typeUrl, value: value as Uint8Array<ArrayBuffer> };
}

/** The message's type and bytes alone, without what the protobuf library keeps beside them. */
export function fromAny(any: Any): Any {
  return { typeUrl: any.typeUrl, value: any.value };
}

export function toAnys(anys: Readonly<Record<string, Any>>): Record<string, ReturnType<typeof toAny>> {
  return Object.fromEntries(Object.entries(anys).map(([name, any]) => [name, toAny(any)]));
}

export function fromAnys(anys: Readonly<Record<string, Any>>): Record<string, Any> {
  return Object.fromEntries(Object.entries(anys).map(([name, any]) => [name, fromAny(any)]));
}

export function toDescriptor(descriptor: Descriptor): MessageInitShape<typeof DescriptorSchema> {
  const { mediaType, digest, size, annotations } = descriptor;
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
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

/** What an answer must have. @throws {Fault} `internal` when the daemon left it out */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Fault("internal", `The daemon's answer has no ${what}`);
  return value;
}
