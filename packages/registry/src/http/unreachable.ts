import { Fault } from "@slipway/fault/fault";
import { shownUrl } from "./shown-url.ts";

const certificateErrors = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH/;
/** In the words of the system's own library, and of Go's, which clients look for. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "connection reset by peer",
  EPIPE: "connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "temporary failure in name resolution",
};

const plainAnswer = "server gave HTTP response to HTTPS client";

/** The most bytes of headers that an answer may have. Go's clients take more, Node's own limit is 16 KiB. */
export const maxHeaderBytes = 1024 * 1024;

/** What kept a server from answering. A certificate, and what is not for us, will be no better the next time. */
export function unreachable(url: URL, error: NodeJS.ErrnoException): Fault {
  const { code = "" } = error;
  const isPlain = isPlainAnswer(error);
  const isFinal = certificateErrors.test(code) || isPlain;
  const options = { cause: error };
  if (code === "HPE_HEADER_OVERFLOW") {
    const why = `Cannot read the answer of ${shownUrl(url)}: its headers have more than ${maxHeaderBytes} bytes`;
    return new Fault("resource_exhausted", why, options);
  }
  const message = `Cannot reach ${shownUrl(url)}: ${isPlain ? plainAnswer : reasonOf(error)}`;
  return new Fault(isFinal ? "failed_precondition" : "unavailable", message, options);
}

function reasonOf({ code = "", message }: NodeJS.ErrnoException): string {
  if (code.startsWith("HPE_")) return `its answer is not HTTP: ${message}`;
  if (message === "socket hang up") return "the connection was closed without an answer";
  return reasons[code] ?? (message || code);
}

/** Whether a server answered a TLS handshake with HTTP: to OpenSSL that is a record of a version which does not exist. */
export function isPlainAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /wrong version number/i.test(error.message) || isPlainAnswer(error.cause);
}
