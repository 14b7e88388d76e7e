import { type Duplex, pipeline } from "node:stream";
import { Fault, messageOf } from "@slipway/fault/fault";
import { headerOf, type HttpResponse } from "./response.ts";
import { answerer } from "./shown-url.ts";

const maxEncodings = 3;

/**
 * An answer's bytes as they were before the server, or somebody between, encoded them: RFC 9110, section 8.4. Nothing asks
 * for that, some do it all the same. What the iteration throws is for `brokenOff`.
 *
 * @param ownBytes the number of bytes that are expected: an answer of that length is not encoded, whatever it says.
 *   Stores label gzipped layers that way.
 */
export function bodyOf(response: HttpResponse, ownBytes?: number): AsyncIterable<Uint8Array> {
  const raw = response as AsyncIterable<Uint8Array>;
  if (!isEncoded(response, ownBytes)) return raw;
  const encodings = encodingsOf(response);
  if (encodings.length > maxEncodings) throw unsupported(encodings.join(", "), response);
  // The last one was applied last.
  return encodings.reduceRight((bytes, name) => decodedBy(name, bytes, response), raw);
}

/** Whether the bytes of an answer are others than those that it stands for. */
export function isEncoded(response: HttpResponse, ownBytes?: number): boolean {
  const isWhole = ownBytes !== undefined && headerOf(response, "content-length") === String(ownBytes);
  return !isWhole && encodingsOf(response).length > 0;
}

/** The failure of an answer that ended in its middle. One that was given up, or has been explained, stays as it is. */
export function brokenOff(response: HttpResponse, error: unknown): unknown {
  if (error instanceof Fault || (error as Error).name === "AbortError") return error;
  const reason = messageOf(error) === "aborted" ? "the connection was closed" : messageOf(error);
  const why = `The answer of ${answerer(response)} broke off: ${reason}`;
  return new Fault("unavailable", why, { cause: error });
}

function encodingsOf(response: HttpResponse): string[] {
  const values = response.headersDistinct["content-encoding"];
  if (values === undefined) return [];
  const names = values.join(",").toLowerCase().split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "" && name !== "identity");
}

function decodedBy(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  response: HttpResponse,
): AsyncIterable<Uint8Array> {
  // Loaded when a server encodes.
  const zlib = process.getBuiltinModule("node:zlib");
  if (name === "gzip" || name === "x-gzip") return through(bytes, zlib.createGunzip());
  if (name === "br") return through(bytes, zlib.createBrotliDecompress());
  if (name === "zstd") return through(bytes, zlib.createZstdDecompress());
  if (name === "deflate") return inflated(bytes);
  throw unsupported(name, response);
}

/** Servers disagree on whether deflate has zlib's header; its first two bytes tell. */
async function* inflated(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const zlib = process.getBuiltinModule("node:zlib");
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return;
  const [a = 0, b = 0] = first.value;
  const hasHeader = (a & 0x0f) === 8 && ((a << 8) | b) % 31 === 0;
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  yield* through(all(), hasHeader ? zlib.createInflate() : zlib.createInflateRaw());
}

function through(bytes: AsyncIterable<Uint8Array>, decoder: Duplex): AsyncIterable<Uint8Array> {
  // Whoever reads has the error.
  return pipeline(bytes, decoder, () => {});
}

function unsupported(encoding: string, response: HttpResponse): Fault {
  response.destroy();
  const shown = JSON.stringify(encoding.slice(0, 60));
  const why = `${answerer(response)} answered in the encoding ${shown}, which is not known`;
  return new Fault("failed_precondition", why);
}
