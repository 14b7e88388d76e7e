import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { bodyOf, brokenOff, isEncoded } from "../http/body.ts";
import { pageInstead, saysPage } from "../http/page.ts";
import { headerOf, type HttpResponse } from "../http/response.ts";
import { answerer } from "../http/shown-url.ts";

export interface RangeOptions {
  /** The first byte that is not wanted; all to the end by default. */
  readonly end?: number;
  /** Whether a failure is tried again, and counted against the host. */
  readonly retries?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens a target's bytes from an offset on. A server may send more than was asked for, or from an earlier byte. */
export type OpenRange = (offset: number, options?: RangeOptions) => Promise<HttpResponse>;

/**
 * Checks what an answer says of itself before a byte of it is used: its length, its range, and that it is no page. An answer
 * that is too short is let through, because proxies cut answers short and give the rest when they are asked for it.
 * @throws {Fault} `data_loss` when it cannot be the target's bytes
 */
export function checkAnswer(response: HttpResponse, target: Descriptor): void {
  const { size, digest, mediaType } = target;
  const what = `fetch ${digest}`;
  const refuse = (why: string): never => {
    response.destroy();
    throw new Fault("data_loss", `Cannot ${what}: ${answerer(response)} answered with ${why}`);
  };
  if (response.statusCode === 206) {
    const range = headerOf(response, "content-range");
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? "") ?? [];
    if (isEncoded(response) && total !== String(size)) refuse("a part of bytes in another encoding");
    if (range === undefined) return;
    if (first === undefined) refuse(`the range ${JSON.stringify(range.slice(0, 80))}`);
    if (total !== "*" && total !== String(size)) refuse(`a part of ${total} bytes, not of ${size}`);
    return;
  }
  if (isEncoded(response, size)) return;
  const length = headerOf(response, "content-length");
  if (length !== String(size) && saysPage(response) && !mediaType.startsWith("text/html")) {
    response.destroy();
    throw pageInstead(response, what, `its ${size} bytes`);
  }
  if (Number(length ?? 0) > size) refuse(`${length} bytes, not ${size}`);
}

/** The offset of the first byte that an answer has. One that does not say is believed to have what was asked for. */
export function startOf(response: HttpResponse, offset: number): number {
  if (response.statusCode !== 206) return 0;
  const first = /^bytes (\d+)-/.exec(headerOf(response, "content-range") ?? "")?.[1];
  return first === undefined ? offset : Number(first);
}

/** The answer's bytes from `offset` on. A server that ignores Range sends all, and what is there is skipped. */
export async function* bodyFrom(
  response: HttpResponse,
  { size }: Descriptor,
  offset: number,
): AsyncGenerator<Uint8Array> {
  const start = startOf(response, offset);
  let skip = offset - start;
  if (skip < 0) {
    response.destroy();
    throw new Fault("unavailable", `${answerer(response)} answered with bytes from ${start}, not ${offset}`);
  }
  // A part was checked to be one of the bytes themselves.
  const isPart = response.statusCode === 206;
  const body = isPart ? (response as AsyncIterable<Uint8Array>) : bodyOf(response, size);
  try {
    for await (const chunk of body) {
      if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield skip > 0 ? chunk.subarray(skip) : chunk;
        skip = 0;
      }
    }
  } catch (error) {
    throw brokenOff(response, error);
  }
}
