import { failureReason } from "@slipway/core/tasks/hints";
import { Fault, type FaultCode, messageOf } from "@slipway/fault/fault";
import { infoOf } from "@slipway/rpc/error-info";

const codes: Readonly<Record<string, FaultCode>> = {
  PROGRAM_NOT_FOUND: "not_found",
  PROGRAM_NOT_EXECUTABLE: "permission_denied",
  EXEC_FORMAT: "failed_precondition",
};

/**
 * Gives a failure to start a process the code of its cause. containerd's answer is "unknown" with the runtime's words,
 * whatever was wrong; slipwayd's, which unmodified clients must find the same, has the reason in its details.
 */
export function startFailure(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== "unknown") return error;
  const code = codes[infoOf(error)?.reason ?? failureReason(messageOf(error)) ?? ""];
  return code === undefined
    ? error
    : new Fault(code, error.message, { cause: error, details: error.details });
}
