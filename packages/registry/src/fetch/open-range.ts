import type { HttpResponse } from "../http/response.ts";
import { Fault } from "@slipway/fault/fault";

export interface RangeOptions {
  /** The first byte that is not wanted; all to the end unless told. */
  readonly end?: number;
  /** Whether a failure is tried again, and counted against the host. */
  readonly retries?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens a target's bytes from an offset on. A server may send more than was asked for, or from an earlier byte. */
export type OpenRange = (offset: number, options?: RangeOptions) => Promise<HttpResponse>;

/** The offset of the first byte that an answer has. */
export function startOf(response: HttpResponse): number {
  if (response.statusCode !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] ?? 0);
}

/** The answer's bytes from `offset` on. A server that ignores Range sends all, and what is there is skipped. */
export async function* bodyFrom(response: HttpResponse, offset: number): AsyncGenerator<Uint8Array> {
  let skip = offset - startOf(response);
  if (skip < 0) {
    response.destroy();
    throw new Fault(
      "unavailable",
      `The registry answered with bytes from ${startOf(response)}, not ${offset}`,
    );
  }
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}
