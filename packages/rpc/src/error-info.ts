import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ErrorInfo, ErrorInfoSchema } from "@slipway/api/google/rpc/error_details_pb";
import { Fault } from "@slipway/fault/fault";

/** Why a call failed, for programs and for people: google.rpc.ErrorInfo of the domain `slipway`. */
export interface FailureInfo {
  /** A constant, such as `PROGRAM_NOT_FOUND`. */
  readonly reason: string;
  /** By name: `hint`, what to do about it; of a runtime `program`, `action`, `status` and `output`. */
  readonly facts: Readonly<Record<string, string>>;
}

const domain = "slipway";
const typeUrl = `type.googleapis.com/${ErrorInfoSchema.typeName}`;

/** A detail of a `Fault` that travels. */
export function infoDetail({ reason, facts }: FailureInfo): { typeUrl: string; value: Uint8Array } {
  const info = create(ErrorInfoSchema, { reason, domain, metadata: { ...facts } });
  return { typeUrl, value: toBinary(ErrorInfoSchema, info) };
}

/** What a failure says of its cause; nothing when it says nothing, or another domain's. */
export function infoOf(error: unknown): FailureInfo | undefined {
  if (!(error instanceof Fault)) return undefined;
  for (const detail of error.details) {
    const info = decode(detail);
    if (info?.domain === domain) return { reason: info.reason, facts: info.metadata };
  }
  return undefined;
}

function decode(detail: unknown): ErrorInfo | undefined {
  const { typeUrl: type, value } = (detail ?? {}) as { typeUrl?: unknown; value?: unknown };
  if (type !== typeUrl || !(value instanceof Uint8Array)) return undefined;
  return fromBinary(ErrorInfoSchema, value);
}
