import { Fault } from "@slipway/fault/fault";

const certificateErrors = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH/;

/** What kept a server from answering. A certificate will be no better the next time. */
export function unreachable(url: URL, error: NodeJS.ErrnoException): Fault {
  const code = certificateErrors.test(error.code ?? "") ? "failed_precondition" : "unavailable";
  return new Fault(code, `Cannot reach ${url.origin}: ${error.message || error.code}`, { cause: error });
}
