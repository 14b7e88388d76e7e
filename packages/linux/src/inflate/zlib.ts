import { addressOf, libraryCall } from "../system-call.ts";
import { beginsMember, type Inflater, type Output, outputOfThread } from "./inflater.ts";

interface Zlib {
  readonly init: (stream: Uint8Array, windowBits: number, version: string, size: number) => number;
  readonly inflate: (stream: Uint8Array, flush: number) => number;
  readonly reset: (stream: Uint8Array) => number;
  readonly end: (stream: Uint8Array) => number;
}

let zlib: Zlib | undefined;

function loaded(): Zlib {
  return (zlib ??= {
    init: libraryCall(null, "int inflateInit2_(void *, int, const char *, int)"),
    inflate: libraryCall(null, "int inflate(void *, int)"),
    reset: libraryCall(null, "int inflateReset(void *)"),
    end: libraryCall(null, "int inflateEnd(void *)"),
  });
}

/** struct z_stream of zlib.h. */
const STREAM = { NEXT_IN: 0, LEFT_IN: 8, NEXT_OUT: 24, LEFT_OUT: 32, BYTES: 112 } as const;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
const anyHeaderOfGzip = 16 + 15;

/** gzip, of several members as well, by the zlib in the node binary. @throws {Error} where that does not export it */
export function gunzipWithZlib(output: Output = outputOfThread): Inflater {
  const { init, inflate, reset, end } = loaded();
  const stream = Buffer.alloc(STREAM.BYTES);
  const result = init(stream, anyHeaderOfGzip, "1", stream.length);
  if (result !== 0) throw new Error(`zlib cannot start: ${result}`);
  let isComplete = true;
  let isTrailing = false;
  return {
    get isComplete() {
      return isComplete;
    },
    *inflate(input) {
      stream.writeBigUInt64LE(input.length === 0 ? 0n : addressOf(input), STREAM.NEXT_IN);
      stream.writeUInt32LE(input.length, STREAM.LEFT_IN);
      for (;;) {
        const left = stream.readUInt32LE(STREAM.LEFT_IN);
        if (isComplete && left > 0) isTrailing ||= !beginsMember(input[input.length - left]);
        if (isTrailing || (isComplete && left === 0)) return;
        const out = output();
        stream.writeBigUInt64LE(addressOf(out), STREAM.NEXT_OUT);
        stream.writeUInt32LE(out.length, STREAM.LEFT_OUT);
        isComplete = false;
        const code = inflate(stream, 0);
        const made = out.length - stream.readUInt32LE(STREAM.LEFT_OUT);
        if (code < 0 && code !== Z_BUF_ERROR) throw new Error(`invalid data (${code})`);
        if (code > Z_STREAM_END) throw new Error("it needs a dictionary");
        if (made > 0) yield out.subarray(0, made);
        if (code === Z_STREAM_END) {
          reset(stream);
          isComplete = true;
        } else if (made < out.length) return;
      }
    },
    [Symbol.dispose]: () => void end(stream),
  };
}
