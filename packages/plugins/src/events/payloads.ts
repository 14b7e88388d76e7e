import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  ContainerUpdateSchema,
  ContentCreateSchema,
  ContentDeleteSchema,
  NamespaceCreateSchema,
  NamespaceDeleteSchema,
  NamespaceUpdateSchema,
  SnapshotCommitSchema,
  SnapshotPrepareSchema,
  SnapshotRemoveSchema,
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExitSchema,
  TaskStartSchema,
} from "@slipway/api/containerd/events/events_pb";
import {
  ImageCreateSchema,
  ImageDeleteSchema,
  ImageUpdateSchema,
} from "@slipway/api/containerd/services/images/v1/images_pb";
import { ImageDamagedSchema } from "@slipway/api/slipway/services/integrity/v1/integrity_pb";
import { ImagePullProgressSchema } from "@slipway/api/slipway/events/v1/images_pb";
import { HealthStatusSchema } from "@slipway/api/slipway/events/v1/containers_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Any } from "@slipway/core/any";
import type { EventsByTopic } from "@slipway/core/events";

type Encoders = { readonly [T in keyof EventsByTopic]: (payload: EventsByTopic[T]) => Any };

const encoders: Encoders = {
  "/namespaces/create": (payload) => toAny(NamespaceCreateSchema, payload),
  "/namespaces/update": (payload) => toAny(NamespaceUpdateSchema, payload),
  "/namespaces/delete": (payload) => toAny(NamespaceDeleteSchema, payload),
  "/images/create": (payload) => toAny(ImageCreateSchema, payload),
  "/images/update": (payload) => toAny(ImageUpdateSchema, payload),
  "/images/delete": (payload) => toAny(ImageDeleteSchema, payload),
  "/slipway/images/damaged": ({ name, damages }) =>
    toAny(ImageDamagedSchema, { name, damages: [...damages] }),
  "/containers/create": (payload) => toAny(ContainerCreateSchema, payload),
  "/containers/update": (payload) => toAny(ContainerUpdateSchema, payload),
  "/containers/delete": (payload) => toAny(ContainerDeleteSchema, payload),
  "/content/create": (payload) => toAny(ContentCreateSchema, payload),
  "/content/delete": (payload) => toAny(ContentDeleteSchema, payload),
  "/snapshot/prepare": (payload) => toAny(SnapshotPrepareSchema, payload),
  "/snapshot/commit": (payload) => toAny(SnapshotCommitSchema, payload),
  "/snapshot/remove": (payload) => toAny(SnapshotRemoveSchema, payload),
  "/slipway/containers/health_status": (payload) => toAny(HealthStatusSchema, payload),
  "/tasks/create": ({ rootfs, ...payload }) =>
    toAny(TaskCreateSchema, {
      ...payload,
      rootfs: rootfs.map(({ type, source, target = "", options }) => ({
        type,
        source,
        target,
        options: [...options],
      })),
    }),
  "/tasks/start": (payload) => toAny(TaskStartSchema, payload),
  "/tasks/exit": ({ exitedAt, ...payload }) =>
    toAny(TaskExitSchema, { ...payload, exitedAt: toTimestamp(exitedAt) }),
  "/tasks/delete": ({ exitedAt, ...payload }) =>
    toAny(TaskDeleteSchema, { ...payload, exitedAt: toTimestamp(exitedAt) }),
  "/slipway/images/pull-progress": (payload) => toAny(ImagePullProgressSchema, payload),
};

/** What is said on a topic, as the message that containerd's clients know. */
export function encodePayload<T extends keyof EventsByTopic>(topic: T, payload: EventsByTopic[T]): Any {
  return encoders[topic](payload);
}

/** containerd names a type without the host before it: `containerd.events.TaskExit`. */
function toAny<S extends DescMessage>(schema: S, payload: MessageInitShape<S>): Any {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, payload)) };
}
