import { addressOf, type NativeArgument, systemCall } from "./system-call.ts";

/*
 * zlib's and zstd's own functions, which the node binary exports. Node's streams give every chunk memory of its own,
 * and the first touch of fresh memory costs more than inflating into it: one buffer that is used again is nearly twice
 * as fast (bench/pull.ts). The calls are synchronous: meant for a worker thread.
 */

/** Decompresses one stream. */
export interface Inflater extends Disposable {
  /** Gives what `input` decompresses to, in pieces that are good until the next is asked for. @throws {Error} for broken data */
  inflate(input: Uint8Array): Generator<Uint8Array>;
  /** Whether the stream could end here. */
  readonly isComplete: boolean;
}

const outputBytes = 1 << 18;
// One for a thread: nothing is in it between two calls.
let output: Buffer | undefined;

const inflateInit2 = systemCall<[stream: Uint8Array, windowBits: number, version: string, size: number]>(
  "int inflateInit2_(void *, int, const char *, int)",
);
const inflateCall = systemCall<[stream: Uint8Array, flush: number]>("int inflate(void *, int)");
const inflateReset = systemCall<[stream: Uint8Array]>("int inflateReset(void *)");
const inflateEnd = systemCall<[stream: Uint8Array]>("int inflateEnd(void *)");
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;

/** gzip, of several members as well. @throws {Error} where the node binary does not export zlib */
export function gunzip(): Inflater {
  output ??= Buffer.allocUnsafeSlow(outputBytes);
  const out = output;
  // struct z_stream of zlib.h.
  const stream = Buffer.alloc(112);
  const result = inflateInit2.raw(stream, 16 + 15, "1", stream.length);
  if (result !== 0) throw new Error(`zlib cannot start: ${result}`);
  let isComplete = true;
  let isTrailing = false;
  return {
    get isComplete() {
      return isComplete;
    },
    *inflate(input) {
      stream.writeBigUInt64LE(input.length === 0 ? 0n : addressOf(input), 0);
      stream.writeUInt32LE(input.length, 8);
      for (;;) {
        const left = stream.readUInt32LE(8);
        // What follows the last member and is none is padding.
        if (isComplete && left > 0) isTrailing ||= input[input.length - left] !== 0x1f;
        if (isTrailing || (isComplete && left === 0)) return;
        stream.writeBigUInt64LE(addressOf(out), 24);
        stream.writeUInt32LE(outputBytes, 32);
        isComplete = false;
        // -1 is no code that inflate() has: nothing is taken for an errno.
        const code = inflateCall.raw(stream, 0);
        const made = outputBytes - stream.readUInt32LE(32);
        if (code < 0 && code !== Z_BUF_ERROR) throw new Error(`invalid data (${code})`);
        if (code > Z_STREAM_END) throw new Error("it needs a dictionary");
        if (made > 0) yield out.subarray(0, made);
        if (code === Z_STREAM_END) {
          inflateReset(stream);
          isComplete = true;
        } else if (made < outputBytes) return;
      }
    },
    [Symbol.dispose]: () => void inflateEnd.raw(stream),
  };
}

const newDecoder = systemCall<[]>("void *ZSTD_createDStream(void)") as unknown as () => NativeArgument;
const freeDecoder = systemCall<[decoder: NativeArgument]>("long ZSTD_freeDStream(void *)");
const decompressStream = systemCall<[decoder: NativeArgument, out: Uint8Array, input: Uint8Array]>(
  "long ZSTD_decompressStream(void *, void *, void *)",
);

/** zstd, of several frames as well. @throws {Error} where the node binary does not export zstd */
export function unzstd(): Inflater {
  output ??= Buffer.allocUnsafeSlow(outputBytes);
  const out = output;
  const decoder = newDecoder();
  // ZSTD_inBuffer and ZSTD_outBuffer of zstd.h: where, length, position.
  const source = Buffer.alloc(24);
  const target = Buffer.alloc(24);
  let isComplete = true;
  return {
    get isComplete() {
      return isComplete;
    },
    *inflate(input) {
      if (input.length === 0) return;
      source.writeBigUInt64LE(addressOf(input), 0);
      source.writeBigUInt64LE(BigInt(input.length), 8);
      source.writeBigUInt64LE(0n, 16);
      for (;;) {
        target.writeBigUInt64LE(addressOf(out), 0);
        target.writeBigUInt64LE(BigInt(outputBytes), 8);
        target.writeBigUInt64LE(0n, 16);
        const hint = decompressStream.raw(decoder, target, source);
        // Errors are negative; one of them, in general, is taken for an errno.
        if (hint < 0 || Object.is(hint, -0)) throw new Error(`invalid data (${hint})`);
        isComplete = hint === 0;
        const made = Number(target.readBigUInt64LE(16));
        if (made > 0) yield out.subarray(0, made);
        if (made < outputBytes && Number(source.readBigUInt64LE(16)) === input.length) return;
      }
    },
    [Symbol.dispose]: () => void freeDecoder.raw(decoder),
  };
}
