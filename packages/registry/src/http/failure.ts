import type { HttpResponse } from "./response.ts";
import { Fault, type FaultCode } from "@slipway/fault/fault";

const maxErrorBytes = 64 * 1024;
const maxShownText = 200;

/** The whole body. @throws {Fault} `resource_exhausted` above `maxBytes`, `unavailable` when it breaks off */
export async function readBody(response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) {
        response.destroy();
        throw new Fault("resource_exhausted", `The registry's answer is larger than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Fault || (error as Error).name === "AbortError") throw error;
    throw new Fault("unavailable", `The registry's answer broke off: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return Buffer.concat(chunks);
}

const codes: Readonly<Record<number, FaultCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  405: "unimplemented",
  409: "already_exists",
  413: "resource_exhausted",
  416: "out_of_range",
  429: "resource_exhausted",
};

/** The failure that a response tells of, with the errors in its body: distribution-spec, "Error Codes". */
export async function failureOf(response: HttpResponse, what: string): Promise<Fault> {
  const status = response.statusCode ?? 0;
  const text = (await readBody(response, maxErrorBytes).catch(() => Buffer.alloc(0))).toString();
  const code = codes[status] ?? (status >= 500 ? "unavailable" : "unknown");
  const after = response.headers["retry-after"];
  const later = status === 429 && after !== undefined ? `, try again after ${after} s` : "";
  return new Fault(
    code,
    `Cannot ${what}: ${status} ${response.statusMessage ?? ""}${later}${describe(text)}`,
  );
}

function describe(body: string): string {
  try {
    const { errors, details } = JSON.parse(body) as {
      errors?: { code?: string; message?: string; detail?: unknown }[];
      details?: string;
    };
    // Docker Hub's token server says it in another way.
    if (!errors) return details === undefined ? "" : `: ${details}`;
    return errors
      .map(({ code, message, detail }) => {
        const shown = typeof detail === "string" && detail !== message ? detail : undefined;
        return `: ${[code, message, shown].filter(Boolean).join(": ")}`;
      })
      .join("");
  } catch {
    const plain = body.trim();
    return plain === "" || plain.startsWith("<") ? "" : `: ${plain.slice(0, maxShownText)}`;
  }
}
