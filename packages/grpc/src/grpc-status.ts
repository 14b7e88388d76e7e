import { codeOf, type FaultCode, messageOf } from "@slipway/fault/fault";

/** By their number: https://grpc.io/docs/guides/status-codes/ */
const codes: readonly (FaultCode | "ok")[] = [
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

/** The trailers that say how a call failed. Text beyond ASCII is percent-encoded, and so is the percent sign. */
export function failureTrailers(error: unknown): Record<string, string> {
  return {
    "grpc-status": String(codes.indexOf(codeOf(error))),
    "grpc-message": encodeURIComponent(messageOf(error).toWellFormed()).replaceAll("%20", " "),
  };
}
