import { createHash } from "node:crypto";
import type { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, digestFromHash } from "@slipway/oci/digest";
import type { BandwidthLimit } from "../http/bandwidth.ts";
import { bytesInOrder } from "./in-order.ts";
import type { OpenRange } from "./open-range.ts";

export interface FetchOptions {
  /** In bytes. What comes before is not fetched, and so cannot be verified. */
  readonly offset?: number;
  readonly signal?: AbortSignal;
  /** The caller looks whether the bytes are what the descriptor says. Their number is looked at here all the same. */
  readonly isVerifiedByReader?: boolean;
  /** Called with who answered, such as `GET https://registry.example/v2/app/blobs/sha256:ab12`, once for each answer. */
  readonly onAnswer?: (from: string) => void;
}

export interface FetchLimits {
  /** What is fetched waits for each of them. */
  readonly limits: readonly BandwidthLimit[];
  /** About how long to wait before the first retry. */
  readonly retryDelayMs: number;
  /** What to throw when other bytes were received. */
  readonly mismatched: (received: string) => Fault;
}

/**
 * The bytes of a target, in order however many connections brought them. Read from the start, they are verified before the
 * last of them is given out, unless the reader does that.
 * @throws {Fault} `data_loss` when they are not what the descriptor says
 */
export function fetchVerified(
  target: Descriptor,
  open: OpenRange,
  { limits, retryDelayMs, mismatched }: FetchLimits,
  { offset = 0, signal, isVerifiedByReader = false }: FetchOptions,
): AsyncGenerator<Uint8Array> {
  const all = bytesInOrder(target, open, offset, { retryDelayMs, mismatched, signal });
  const bytes = limits.length === 0 ? all : limited(all, limits, signal);
  return offset > 0 || isVerifiedByReader ? bytes : verified(target, bytes, mismatched);
}

async function* limited(
  bytes: AsyncIterable<Uint8Array>,
  limits: readonly BandwidthLimit[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    for (const limit of limits) await limit.take(chunk.length, signal);
    yield chunk;
  }
}

async function* verified(
  target: Descriptor,
  bytes: AsyncIterable<Uint8Array>,
  mismatched: (received: string) => Fault,
): AsyncGenerator<Uint8Array> {
  const algorithm = algorithmOf(target.digest);
  const hash = createHash(algorithm);
  // The last chunk waits for its verdict: whoever gets all bytes got the right ones.
  let held: Uint8Array | undefined;
  for await (const chunk of bytes) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  const received = digestFromHash(hash, algorithm);
  if (received !== target.digest) throw mismatched(received);
  if (held) yield held;
}
