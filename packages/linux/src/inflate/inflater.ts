/** Decompresses one stream, with synchronous calls: meant for a worker thread. */
export interface Inflater extends Disposable {
  /** Gives what `input` decompresses to, in pieces that are good until the next is asked for. @throws {Error} for broken data */
  inflate(input: Uint8Array): Generator<Uint8Array>;
  /** Whether the stream could end here. */
  readonly isComplete: boolean;
}

/** Memory for the next piece, of which it fills as much as there is. Asked for before each piece. */
export type Output = () => Uint8Array;

const outputBytes = 1 << 18;
let output: Buffer | undefined;

/**
 * What all streams of a thread are decompressed into: nothing is in it between two calls. Node's streams give every chunk
 * memory of its own, and the first touch of fresh memory costs more than inflating into it: one buffer that is used again
 * is nearly twice as fast (bench/pull.ts).
 */
export function outputOfThread(): Buffer {
  return (output ??= Buffer.allocUnsafeSlow(outputBytes));
}

/** What gzip's members begin with. */
const gzipMark = 0x1f;

/** Whether more of gzip begins here, behind a member: what does not is padding. */
export function beginsMember(byte: number | undefined): boolean {
  return byte === gzipMark;
}
