import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, digestFromHash } from "@slipway/oci/digest";
import type { BandwidthLimit } from "./http/bandwidth.ts";
import { backoff } from "./http/retry.ts";

export interface FetchOptions {
  /** In bytes. What comes before is not fetched, and so cannot be verified. */
  readonly offset?: number;
  readonly signal?: AbortSignal;
}

/** Opens the target's bytes from an offset on. */
export type OpenAt = (offset: number) => Promise<IncomingMessage>;

/** Tries in a row that brought no byte. */
const maxFruitlessTries = 5;

/**
 * The bytes of a target. A connection that breaks is made again where it broke, as long as each try brings something.
 * Read from the start, the bytes are verified before the last of them is given out.
 * @throws {Fault} `data_loss` when they are not what the descriptor says
 */
export async function* fetchVerified(
  target: Descriptor,
  open: OpenAt,
  limits: readonly BandwidthLimit[],
  { offset = 0, signal }: FetchOptions,
): AsyncGenerator<Uint8Array> {
  const algorithm = algorithmOf(target.digest);
  const hash = offset === 0 ? createHash(algorithm) : undefined;
  let at = offset;
  // The last chunk waits for its verdict: whoever gets all bytes got the right ones.
  let held: Uint8Array | undefined;
  for (let fruitless = 0; at < target.size;) {
    const before = at;
    const response = await open(at);
    try {
      for await (const chunk of bodyFrom(response, at)) {
        at += chunk.length;
        if (at > target.size) throw mismatch(target, `more than ${target.size} bytes`);
        for (const limit of limits) await limit.take(chunk.length, signal);
        hash?.update(chunk);
        if (held) yield held;
        held = chunk;
      }
    } catch (error) {
      if ((error instanceof Fault && !hasCode(error, "unavailable")) || signal?.aborted) throw error;
      fruitless = at > before ? 0 : fruitless + 1;
      if (fruitless >= maxFruitlessTries) throw error;
      await backoff(fruitless + 1, signal);
      continue;
    }
    if (at === before) throw mismatch(target, `only ${at} of ${target.size} bytes`);
  }
  const received = hash && digestFromHash(hash, algorithm);
  if (received !== undefined && received !== target.digest) throw mismatch(target, received);
  if (held) yield held;
}

/** The answer's bytes from `offset` on. A server that ignores Range sends all, and what is there is skipped. */
async function* bodyFrom(response: IncomingMessage, offset: number): AsyncGenerator<Uint8Array> {
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

function startOf(response: IncomingMessage): number {
  if (response.statusCode !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] ?? 0);
}

function mismatch({ digest }: Descriptor, received: string): Fault {
  return new Fault("data_loss", `Cannot verify blob ${digest}: received ${received}`);
}
