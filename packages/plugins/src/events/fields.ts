import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { file_containerd_events_events } from "@slipway/api/containerd/events/events_pb";
import { file_slipway_events_v1_containers } from "@slipway/api/slipway/events/v1/containers_pb";
import {
  ImageCreateSchema,
  ImageDeleteSchema,
  ImageUpdateSchema,
} from "@slipway/api/containerd/services/images/v1/images_pb";
import { ImageDamagedSchema } from "@slipway/api/slipway/services/integrity/v1/integrity_pb";
import { ImagePullProgressSchema } from "@slipway/api/slipway/events/v1/images_pb";
import type { Any } from "@slipway/core/any";
import type { Envelope } from "@slipway/core/events";
import { label } from "@slipway/core/filters/fields";
import type { FieldReader } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import { readPayload } from "@slipway/rpc/read-message";

/**
 * What filters can ask of an event: `namespace`, `topic`, `event.FIELD` by the name in the .proto file. Strings and
 * booleans can be asked for; numbers, times and lists cannot, as in containerd's generated *_fieldpath.pb.go.
 * The payload is decoded when first asked for, once for all subscribers.
 */
export function envelopeFields({ namespace, topic, event }: Envelope): FieldReader {
  let payload: FieldReader | undefined;
  return ([field, ...rest]) => {
    if (field === "namespace") return namespace;
    if (field === "topic") return topic;
    if (field !== "event") return undefined;
    payload ??= payloadFields(event);
    return payload(rest);
  };
}

const known = createRegistry(
  file_containerd_events_events,
  file_slipway_events_v1_containers,
  ImageCreateSchema,
  ImageUpdateSchema,
  ImageDeleteSchema,
  ImageDamagedSchema,
  ImagePullProgressSchema,
);

function payloadFields(any: Any): FieldReader {
  const schema = known.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
  if (!schema) return () => undefined;
  const message = readPayload(schema, any);
  return (path) => message && fieldOf(schema, message, path);
}

function fieldOf(
  schema: DescMessage,
  message: object,
  [name, ...rest]: readonly string[],
): string | undefined {
  const field = schema.fields.find((one) => one.name === name);
  if (!field) return undefined;
  const value = (message as Readonly<Record<string, unknown>>)[field.localName];
  if (field.fieldKind === "map") return label(value as Labels, rest);
  if (field.fieldKind === "message" && value) return fieldOf(field.message, value, rest);
  if (typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
