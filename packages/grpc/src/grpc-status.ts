import type { IncomingHttpHeaders } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "@slipway/api/google/rpc/status_pb";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import { isAny, plainDetail, statusCodes } from "@slipway/rpc/status";

/** The trailers that say how a call failed. Text beyond ASCII is percent-encoded, and so is the percent sign. */
export function failureTrailers(error: unknown): Record<string, string> {
  const code = statusCodes.indexOf(codeOf(error));
  const message = messageOf(error).toWellFormed();
  const details = error instanceof Fault ? error.details.filter(isAny) : [];
  return {
    "grpc-status": String(code),
    "grpc-message": encodeURIComponent(message).replaceAll("%20", " "),
    ...(details.length > 0 ? { "grpc-status-details-bin": encodeDetails({ code, message, details }) } : {}),
  };
}

function encodeDetails(status: MessageInitShape<typeof StatusSchema>): string {
  return Buffer.from(toBinary(StatusSchema, create(StatusSchema, status))).toString("base64");
}

/** The failure that trailers tell of; nothing when the call ended well. */
export function failureOfStatus(headers: IncomingHttpHeaders): Fault | undefined {
  const status = Number(headers["grpc-status"]);
  if (status === 0) return undefined;
  const code = statusCodes[status] ?? "unknown";
  const message = decodeMessage(String(headers["grpc-message"] ?? ""));
  const details = decodeDetails(headers["grpc-status-details-bin"]);
  return new Fault(code === "ok" ? "unknown" : code, message, { details });
}

/** Details that cannot be read are none: the message must arrive. */
function decodeDetails(encoded: string | string[] | undefined): readonly unknown[] {
  if (typeof encoded !== "string") return [];
  try {
    return fromBinary(StatusSchema, Buffer.from(encoded, "base64")).details.map(plainDetail);
  } catch {
    return [];
  }
}

/** A message that is not well encoded is shown as it came. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
