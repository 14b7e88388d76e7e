import type { FaultCode } from "@slipway/fault/fault";

/** By their number: https://grpc.io/docs/guides/status-codes/ */
export const statusCodes: readonly (FaultCode | "ok")[] = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

/** Of a fault's details those that have a type on the wire. */
export function isAny(detail: unknown): detail is { typeUrl: string; value: Uint8Array<ArrayBuffer> } {
  const { typeUrl, value } = (detail ?? {}) as { typeUrl?: unknown; value?: unknown };
  return typeof typeUrl === "string" && value instanceof Uint8Array;
}

/** A detail that came, without what the protobuf library keeps beside it. */
export function plainDetail({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }): {
  readonly typeUrl: string;
  readonly value: Uint8Array;
} {
  return { typeUrl, value };
}
