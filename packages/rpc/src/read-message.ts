import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Fault, type FaultCode, messageOf } from "@slipway/fault/fault";

/**
 * A message from the bytes that somebody sent.
 * @param code whose fault bytes are that are none: `internal` on a wire, as grpc-go has it; `invalid_argument` in a field
 * @throws {Fault} with the message's type and what is wrong with the bytes
 */
export function readMessage<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
  code: FaultCode = "invalid_argument",
): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new Fault(code, `Cannot read a message "${schema.typeName}": ${messageOf(cause)}`, { cause });
  }
}

/** What an event says; undefined if it is of another type or cannot be read, because every client may publish anything. */
export function readPayload<Schema extends DescMessage>(
  schema: Schema,
  event: { readonly typeUrl: string; readonly value: Uint8Array },
): MessageShape<Schema> | undefined {
  if (event.typeUrl.slice(event.typeUrl.lastIndexOf("/") + 1) !== schema.typeName) return undefined;
  try {
    return fromBinary(schema, event.value);
  } catch {
    return undefined;
  }
}
