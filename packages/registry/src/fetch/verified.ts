import { createHash } from "node:crypto";
import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, digestFromHash } from "@slipway/oci/digest";
import type { BandwidthLimit } from "../http/bandwidth.ts";
import { bytesInOrder } from "./in-order.ts";
import { mismatch } from "./mismatch.ts";
import type { OpenRange } from "./open-range.ts";

export interface FetchOptions {
  /** In bytes. What comes before is not fetched, and so cannot be verified. */
  readonly offset?: number;
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a target, in order however many connections brought them. Read from the start, they are verified before the
 * last of them is given out.
 * @throws {Fault} `data_loss` when they are not what the descriptor says
 */
export async function* fetchVerified(
  target: Descriptor,
  open: OpenRange,
  limits: readonly BandwidthLimit[],
  { offset = 0, signal }: FetchOptions,
): AsyncGenerator<Uint8Array> {
  const algorithm = algorithmOf(target.digest);
  const hash = offset === 0 ? createHash(algorithm) : undefined;
  // The last chunk waits for its verdict: whoever gets all bytes got the right ones.
  let held: Uint8Array | undefined;
  for await (const chunk of bytesInOrder(target, open, offset, signal)) {
    for (const limit of limits) await limit.take(chunk.length, signal);
    hash?.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  const received = hash && digestFromHash(hash, algorithm);
  if (received !== undefined && received !== target.digest) throw mismatch(target, received);
  if (held) yield held;
}
