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
