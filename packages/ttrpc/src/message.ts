import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { StatusSchema } from "@slipway/api/google/rpc/status_pb";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import { isAny, plainDetail, statusCodes } from "@slipway/rpc/status";

/** What a ttrpc request says, its payload not decoded. */
export interface RequestMessage {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly timeoutNs: bigint;
  readonly metadata: readonly (readonly [string, string])[];
}

export function encodeRequest(request: RequestMessage): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(request.service);
  writer.tag(2, WireType.LengthDelimited).string(request.method);
  writer.tag(3, WireType.LengthDelimited).bytes(request.payload);
  if (request.timeoutNs !== 0n) writer.tag(4, WireType.Varint).int64(request.timeoutNs);
  for (const [key, value] of request.metadata) {
    writer.tag(5, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
  return writer.finish();
}

export function decodeRequest(data: Uint8Array): RequestMessage {
  const reader = new BinaryReader(data);
  const metadata: [string, string][] = [];
  let [service, method, payload, timeoutNs] = ["", "", new Uint8Array(), 0n];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) service = reader.string();
    else if (field === 2) method = reader.string();
    else if (field === 3) payload = new Uint8Array(reader.bytes());
    else if (field === 4) timeoutNs = BigInt(reader.int64());
    else if (field === 5) metadata.push(decodePair(reader.bytes()));
    else reader.skip(type);
  }
  return { service, method, payload, timeoutNs, metadata };
}

function decodePair(data: Uint8Array): [string, string] {
  const reader = new BinaryReader(data);
  const pair: [string, string] = ["", ""];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) pair[0] = reader.string();
    else if (field === 2) pair[1] = reader.string();
    else reader.skip(type);
  }
  return pair;
}

export function encodeAnswer(payload: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(payload).finish();
}

export function encodeFailure(error: unknown): Uint8Array {
  const status = create(StatusSchema, {
    code: statusCodes.indexOf(codeOf(error)),
    message: messageOf(error),
    details: error instanceof Fault ? error.details.filter(isAny) : [],
  });
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(toBinary(StatusSchema, status)).finish();
}

/** The payload of a response. Throws the `Fault` it holds instead. */
export function decodeResponse(data: Uint8Array): Uint8Array {
  const reader = new BinaryReader(data);
  let payload = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) {
      const status = fromBinary(StatusSchema, reader.bytes());
      const code = statusCodes[status.code] ?? "unknown";
      if (code !== "ok") throw new Fault(code, status.message, { details: status.details.map(plainDetail) });
    } else if (field === 2) payload = new Uint8Array(reader.bytes());
    else reader.skip(type);
  }
  return payload;
}
