import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Fault, type FaultCode } from "@slipway/fault/fault";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
  readonly signal?: AbortSignal;
}

const maxErrorBytes = 64 * 1024;
const maxRedirects = 10;
// node:http gives a large body in bigger pieces and with less work than fetch.
const plainAgent = new HttpAgent({ keepAlive: true });
const secureAgent = new HttpsAgent({ keepAlive: true });

/** Sends one request and follows redirects of GET and HEAD. Credentials do not go to another host. */
export async function send(request: HttpRequest, redirects = 0): Promise<IncomingMessage> {
  const response = await once(request);
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  const follows = status >= 301 && status <= 308 && status !== 304 && location !== undefined;
  if (!follows || (request.method !== "GET" && request.method !== "HEAD")) return response;
  response.resume();
  if (redirects >= maxRedirects) throw new Fault("unavailable", `${request.url.href} redirects too often`);
  const url = new URL(location, request.url);
  const { authorization, ...anonymous } = request.headers;
  const keeps = url.host === request.url.host && authorization !== undefined;
  return await send({ ...request, url, headers: keeps ? request.headers : anonymous }, redirects + 1);
}

async function once({ method, url, headers, body, signal }: HttpRequest): Promise<IncomingMessage> {
  const secure = url.protocol === "https:";
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = (secure ? httpsRequest : httpRequest)(url, {
    method,
    headers,
    agent: secure ? secureAgent : plainAgent,
    ...(signal ? { signal } : {}),
  });
  outgoing.on("response", resolve);
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    if (error.name === "AbortError") return reject(error);
    reject(
      new Fault("unavailable", `Cannot reach ${url.origin}: ${error.message || error.code}`, {
        cause: error,
      }),
    );
  });
  if (typeof body === "function") {
    try {
      for await (const chunk of body()) {
        if (!outgoing.write(chunk)) {
          await Promise.race([new Promise<void>((drained) => outgoing.once("drain", drained)), promise]);
        }
      }
      outgoing.end();
    } catch (error) {
      outgoing.destroy();
      reject(error);
    }
  } else outgoing.end(body);
  return await promise;
}

/** The whole body. @throws {Fault} `resource_exhausted` above `maxBytes` */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw new Fault("resource_exhausted", `The registry's answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
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
  416: "out_of_range",
  429: "resource_exhausted",
};

/** The failure that a response tells of, with the errors in its body: distribution-spec, "Error Codes". */
export async function failureOf(response: IncomingMessage, what: string): Promise<Fault> {
  const status = response.statusCode ?? 0;
  const text = (await readBody(response, maxErrorBytes).catch(() => Buffer.alloc(0))).toString();
  const code = codes[status] ?? (status >= 500 ? "unavailable" : "unknown");
  return new Fault(code, `Cannot ${what}: ${status} ${response.statusMessage ?? ""}${describe(text)}`);
}

function describe(body: string): string {
  try {
    const { errors = [] } = JSON.parse(body) as { errors?: { code?: string; message?: string }[] };
    return errors.map(({ code, message }) => `: ${[code, message].filter(Boolean).join(": ")}`).join("");
  } catch {
    return "";
  }
}
