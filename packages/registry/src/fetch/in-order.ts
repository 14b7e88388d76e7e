import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { HttpResponse } from "../http/response.ts";
import { backoff } from "../http/retry.ts";
import { bodyFrom, type OpenRange } from "./open-range.ts";
import { ReadAhead } from "./read-ahead.ts";

export interface InOrderOptions {
  /** About how long to wait before the first retry. */
  readonly retryDelayMs: number;
  /** What to throw when there are more or fewer bytes than the target has. */
  readonly mismatched: (received: string) => Fault;
  readonly signal?: AbortSignal | undefined;
}

/** Tries in a row that brought no byte. */
const maxFruitlessTries = 5;

/**
 * A target's bytes from an offset on, in order. One connection brings them, and where that is what the reader waits for,
 * others fetch ahead of it. A connection that breaks is made again where it broke, as long as each try brings something.
 */
export async function* bytesInOrder(
  target: Descriptor,
  open: OpenRange,
  from: number,
  { retryDelayMs, mismatched, signal }: InOrderOptions,
): AsyncGenerator<Uint8Array> {
  using ahead = new ReadAhead(target, open, signal);
  let fruitless = 0;
  let hasBegun = false;
  /** Whether answers have all that was asked for. A server that cuts them short is asked for the whole rest. */
  let endsWell = true;
  for (let at = from; at < target.size;) {
    const before = at;
    const there = ahead.take(at);
    const end = endsWell ? ahead.start : undefined;
    try {
      const bytes =
        there ?? connection(target, await open(at, end === undefined ? {} : { end }), at, end, ahead);
      hasBegun = true;
      for await (const piece of bytes) {
        at += piece.length;
        if (at > target.size) throw mismatched(`more than ${target.size} bytes`);
        const given = performance.now();
        yield piece;
        ahead.adjust(at, performance.now() - given, there === undefined);
      }
    } catch (error) {
      if ((error instanceof Fault && !hasCode(error, "unavailable")) || signal?.aborted) throw error;
      // It was tried several times.
      if (!hasBegun) throw error;
      endsWell = false;
      fruitless = at > before ? 0 : fruitless + 1;
      if (fruitless >= maxFruitlessTries) throw error;
      await backoff(fruitless + 1, retryDelayMs, signal);
      continue;
    }
    if (there) continue;
    if (end !== undefined && at < end) endsWell = false;
    else if (at === before) throw mismatched(`only ${at} of ${target.size} bytes`);
  }
}

/** One connection's bytes, asked for up to `end`, and used up to what others fetch. */
async function* connection(
  target: Descriptor,
  response: HttpResponse,
  from: number,
  end: number | undefined,
  ahead: ReadAhead,
): AsyncGenerator<Uint8Array> {
  let at = from;
  for await (const piece of bodyFrom(response, target, at)) {
    // A connection that works is not left for one that has brought nothing yet.
    const next = end ?? ahead.startBeyond(at + piece.length);
    const room = (next ?? Infinity) - at;
    yield piece.subarray(0, room);
    at += piece.length;
    // An answer that was asked to end here does so by itself, and its connection can be used again.
    if (piece.length > room || (piece.length === room && end === undefined)) return;
  }
}
