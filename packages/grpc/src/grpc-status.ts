import type { IncomingHttpHeaders } from "node:http2";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import { statusCodes } from "@slipway/rpc/status";

/** The trailers that say how a call failed. Text beyond ASCII is percent-encoded, and so is the percent sign. */
export function failureTrailers(error: unknown): Record<string, string> {
  return {
    "grpc-status": String(statusCodes.indexOf(codeOf(error))),
    "grpc-message": encodeURIComponent(messageOf(error).toWellFormed()).replaceAll("%20", " "),
  };
}

/** The failure that trailers tell of; nothing when the call ended well. */
export function failureOfStatus(headers: IncomingHttpHeaders): Fault | undefined {
  const status = Number(headers["grpc-status"]);
  if (status === 0) return undefined;
  const code = statusCodes[status] ?? "unknown";
  return new Fault(code === "ok" ? "unknown" : code, decodeMessage(String(headers["grpc-message"] ?? "")));
}

/** A message that is not well encoded is shown as it came. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
