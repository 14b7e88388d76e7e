import { hasCode } from "@slipway/fault/fault";

/** For what is sent to a process, or taken away of one, that may have ended, or be gone, by itself. */
export function ignoreGone(error: unknown): void {
  if (!hasCode(error, "not_found", "failed_precondition")) throw error;
}
