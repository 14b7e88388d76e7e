import {
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

/** From here on copying bytes costs more than a second write. */
const largeBytes = 4 * 1024;
const noBytes = new Uint8Array();

/**
 * A message's encoding in parts, one after the other. Large bytes in it, however deep, are parts of their own and not
 * copied: the order of fields is free on the wire. The encoder allocates four times what it encodes, and doubles its
 * buffer until it holds the megabytes of 500 containers' specs (bench/api.ts, bench/content.ts).
 */
export function encodeMessage<M extends DescMessage>(schema: M, message: MessageShape<M>): Uint8Array[] {
  return joined(partsOf(schema, message));
}

function partsOf<M extends DescMessage>(schema: M, message: MessageShape<M>): Uint8Array[] {
  if (!holdsBytes(schema)) return [toBinary(schema, message)];
  const rest: Record<string, unknown> = { ...message };
  const parts: Uint8Array[] = [];
  for (const field of schema.fields) {
    const own = partsOfField(field, rest[field.localName]);
    if (!own) continue;
    for (const part of own) parts.push(part);
    if (field.fieldKind === "message") delete rest[field.localName];
    else rest[field.localName] = field.fieldKind === "list" ? [] : noBytes;
  }
  return [toBinary(schema, rest as MessageShape<M>), ...parts];
}

/** Nothing for a field that the encoder may have. */
function partsOfField(field: DescField, value: unknown): Uint8Array[] | undefined {
  if (field.oneof || value === undefined) return undefined;
  if (field.fieldKind === "scalar") {
    const isLarge = value instanceof Uint8Array && value.length >= largeBytes;
    return isLarge ? delimited(field.number, [value]) : undefined;
  }
  const { message } = field;
  // Wrappers, such as BytesValue, are not messages here but what is in them.
  if (!message || !holdsBytes(message) || message.typeName.startsWith("google.protobuf.Bytes"))
    return undefined;
  if (field.fieldKind === "message") return delimited(field.number, partsOf(message, value as never));
  if (field.fieldKind !== "list") return undefined;
  return (value as never[]).flatMap((item) => delimited(field.number, partsOf(message, item)));
}

function delimited(number: number, parts: Uint8Array[]): Uint8Array[] {
  const tag = number * 8 + WireType.LengthDelimited;
  return [Uint8Array.from([...varint(tag), ...varint(lengthOf(parts))]), ...parts];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) + 0x80);
  return [...bytes, value];
}

export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Small neighbours as one: each part costs a write. */
function joined(parts: readonly Uint8Array[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  for (const part of parts) {
    if (part.length < largeBytes) {
      small.push(part);
      continue;
    }
    result.push(Buffer.concat(small), part);
    small = [];
  }
  if (small.length > 0 || result.length === 0) result.push(Buffer.concat(small));
  return result;
}

const known = new Map<DescMessage, boolean>();

/** Whether a message of this type may have bytes in it, at any depth. */
function holdsBytes(schema: DescMessage): boolean {
  let holds = known.get(schema);
  if (holds === undefined) known.set(schema, (holds = reachesBytes(schema, new Set())));
  return holds;
}

function reachesBytes(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some((field) => {
    if (field.fieldKind === "scalar") return field.scalar === ScalarType.BYTES;
    return field.message !== undefined && reachesBytes(field.message, seen);
  });
}
