import { Fault, type FaultCode } from "@slipway/fault/fault";
import { bodyOf, brokenOff } from "./body.ts";
import { readErrorDocument } from "./error-document.ts";
import { isPage, titleOf } from "./page.ts";
import { headerOf, type HttpResponse } from "./response.ts";
import { answerer } from "./shown-url.ts";

const maxErrorBytes = 64 * 1024;
const maxErrorMs = 5000;

/** The whole body. @throws {Fault} `resource_exhausted` above `maxBytes`, `unavailable` when it breaks off */
export async function readBody(response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of bodyOf(response)) {
      size += chunk.length;
      if (size > maxBytes) {
        response.destroy();
        const why = `Cannot read the answer of ${answerer(response)}: it is larger than ${maxBytes} bytes`;
        throw new Fault("resource_exhausted", why);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw brokenOff(response, error);
  }
  return Buffer.concat(chunks);
}

const codes: Readonly<Record<number, FaultCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  405: "unimplemented",
  408: "unavailable",
  409: "already_exists",
  413: "resource_exhausted",
  416: "out_of_range",
  429: "resource_exhausted",
};

/** The failure that a response tells of, with the errors in its body: distribution-spec, "Error Codes". */
export async function failureOf(response: HttpResponse, what: string): Promise<Fault> {
  const status = response.statusCode ?? 0;
  const text = (await readStart(response)).toString();
  const code = codes[status] ?? (status >= 500 ? "unavailable" : "unknown");
  const after = headerOf(response, "retry-after");
  const later = status === 429 && after !== undefined ? `, try again after ${after.slice(0, 40)} s` : "";
  const nowhere =
    status >= 300 && status < 400 && !headerOf(response, "location") ? " without a Location" : "";
  const said = isPage(text) ? `: an HTML page${titleOf(text)}` : readErrorDocument(text);
  const answered = `${answerer(response)} answered ${status} ${response.statusMessage ?? ""}`.trim();
  return new Fault(code, `Cannot ${what}: ${answered}${nowhere}${later}${said}`);
}

/** As much of an explanation as comes soon: a failure is told without the rest. */
async function readStart(response: HttpResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let left = maxErrorBytes;
  const timer = setTimeout(() => response.destroy(), maxErrorMs);
  try {
    for await (const chunk of bodyOf(response)) {
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
  } catch {
    // The status says enough.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}
