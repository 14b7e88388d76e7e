import { addressOf, libraryCall, type NativeArgument } from "../system-call.ts";
import { type Inflater, type Output, outputOfThread } from "./inflater.ts";

interface Zstd {
  readonly create: () => NativeArgument;
  readonly free: (decoder: NativeArgument) => number;
  readonly decompress: (decoder: NativeArgument, out: Uint8Array, input: Uint8Array) => number;
}

let zstd: Zstd | undefined;

function loaded(): Zstd {
  return (zstd ??= {
    create: libraryCall(null, "void *ZSTD_createDStream(void)") as unknown as Zstd["create"],
    free: libraryCall(null, "long ZSTD_freeDStream(void *)"),
    decompress: libraryCall(null, "long ZSTD_decompressStream(void *, void *, void *)"),
  });
}

/** ZSTD_inBuffer and ZSTD_outBuffer of zstd.h. */
const BUFFER = { MEMORY: 0, SIZE: 8, POSITION: 16, BYTES: 24 } as const;

/** zstd, of several frames as well, by the library in the node binary. @throws {Error} where that does not export it */
export function unzstd(output: Output = outputOfThread): Inflater {
  const { create, free, decompress } = loaded();
  const decoder = create();
  const source = Buffer.alloc(BUFFER.BYTES);
  const target = Buffer.alloc(BUFFER.BYTES);
  let isComplete = true;
  return {
    get isComplete() {
      return isComplete;
    },
    *inflate(input) {
      if (input.length === 0) return;
      source.writeBigUInt64LE(addressOf(input), BUFFER.MEMORY);
      source.writeBigUInt64LE(BigInt(input.length), BUFFER.SIZE);
      source.writeBigUInt64LE(0n, BUFFER.POSITION);
      for (;;) {
        const out = output();
        target.writeBigUInt64LE(addressOf(out), BUFFER.MEMORY);
        target.writeBigUInt64LE(BigInt(out.length), BUFFER.SIZE);
        target.writeBigUInt64LE(0n, BUFFER.POSITION);
        const hint = decompress(decoder, target, source);
        if (hint < 0) throw new Error(`invalid data (${hint})`);
        isComplete = hint === 0;
        const made = Number(target.readBigUInt64LE(BUFFER.POSITION));
        if (made > 0) yield out.subarray(0, made);
        if (made < out.length && Number(source.readBigUInt64LE(BUFFER.POSITION)) === input.length) return;
      }
    },
    [Symbol.dispose]: () => void free(decoder),
  };
}
