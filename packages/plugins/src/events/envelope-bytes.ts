import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EnvelopeSchema } from "@slipway/api/containerd/types/types_pb";
import { fromAny, toAny, toDate } from "@slipway/client/messages";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Envelope } from "@slipway/core/events";

/** The event as containerd.types.Envelope: equal events have equal bytes. */
export function encodeEnvelope({ timestamp, namespace, topic, event }: Envelope): Uint8Array {
  const message = { timestamp: toTimestamp(timestamp), namespace, topic, event: toAny(event) };
  return toBinary(EnvelopeSchema, create(EnvelopeSchema, message));
}

export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const { timestamp, namespace, topic, event } = fromBinary(EnvelopeSchema, bytes);
  const payload = event ? fromAny(event) : { typeUrl: "", value: new Uint8Array() };
  return { timestamp: toDate(timestamp), namespace, topic, event: payload };
}
