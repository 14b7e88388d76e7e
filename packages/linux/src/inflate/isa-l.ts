import { gzipSync } from "node:zlib";
import { addressOf, libraryCall } from "../system-call.ts";
import { gzipHeaderBytes } from "./gzip-header.ts";
import { beginsMember, type Inflater, type Output, outputOfThread } from "./inflater.ts";

interface IsaL {
  readonly init: (state: Uint8Array) => void;
  readonly inflate: (state: Uint8Array) => number;
  readonly reset: (state: Uint8Array) => void;
}

/**
 * struct inflate_state of igzip_lib.h, versions 2.30 and 2.31. It has 87,368 bytes; more, for what a later version may
 * have beside them, cost no memory that is not touched.
 */
const STATE = {
  NEXT_OUT: 0,
  LEFT_OUT: 8,
  NEXT_IN: 16,
  LEFT_IN: 32,
  BLOCK: 21_160,
  CHECK: 21_172,
  BYTES: 1 << 18,
} as const;
/** isal_block_state: all was put out, and gzip's checksum and length are right. */
const ISAL_BLOCK_FINISH = 5;
/** crc_flag: data with gzip's checksum and length behind it. Headers that come in parts are not read right by all versions. */
const ISAL_GZIP_NO_HDR_VER = 6;

let library: IsaL | null | undefined;

/**
 * gzip, of several members as well, by Intel's ISA-L, which takes three fifths of zlib's time (bench/inflate.ts). Nothing
 * where it is not installed (Debian's libisal2), or is not the one that is known here.
 */
export function gunzipWithIsaL(output: Output = outputOfThread): Inflater | undefined {
  library ??= load();
  return library ? new IsaLInflater(library, output) : undefined;
}

function load(): IsaL | null {
  try {
    const loaded: IsaL = {
      init: libraryCall("libisal.so.2", "void isal_inflate_init(void *)"),
      inflate: libraryCall("libisal.so.2", "int isal_inflate(void *)"),
      reset: libraryCall("libisal.so.2", "void isal_inflate_reset(void *)"),
    };
    return isAsKnown(loaded) ? loaded : null;
  } catch {
    return null;
  }
}

/** The library says no version: what it does tells whether its struct is the one above. */
function isAsKnown(loaded: IsaL): boolean {
  const blob = gzipSync("layer");
  const damaged = Buffer.from(blob);
  // The checksum's last byte; the length is behind it.
  damaged[blob.length - 5]! ^= 1;
  const reads = (bytes: Uint8Array): boolean => {
    using stream = new IsaLInflater(loaded, outputOfThread);
    try {
      return Buffer.concat([...stream.inflate(bytes)]).equals(Buffer.from("layer")) && stream.isComplete;
    } catch {
      return false;
    }
  };
  return reads(blob) && !reads(damaged);
}

class IsaLInflater implements Inflater {
  readonly #library: IsaL;
  readonly #output: Output;
  readonly #state = Buffer.alloc(STATE.BYTES);
  #place: "header" | "data" | "padding" = "header";
  // What came of a header that is not complete.
  #header = Buffer.alloc(0);

  constructor(library: IsaL, output: Output) {
    this.#library = library;
    this.#output = output;
    this.#begin(library.init);
  }

  get isComplete(): boolean {
    return this.#place !== "data" && this.#header.length === 0;
  }

  *inflate(input: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < input.length;) {
      if (this.#place === "header") at = this.#readHeader(input, at);
      if (this.#place !== "data" || at === input.length) return;
      at += yield* this.#readData(input.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    // It is memory, and no more.
  }

  #begin(start: (state: Uint8Array) => void): void {
    start(this.#state);
    this.#state.writeUInt32LE(ISAL_GZIP_NO_HDR_VER, STATE.CHECK);
  }

  /** Where in `input` it ends, if it does. */
  #readHeader(input: Uint8Array, at: number): number {
    const known = this.#header.length;
    if (known === 0 && !beginsMember(input[at])) {
      this.#place = "padding";
      return input.length;
    }
    this.#header = Buffer.concat([this.#header, input.subarray(at)]);
    const bytes = gzipHeaderBytes(this.#header);
    if (bytes === undefined) return input.length;
    this.#header = Buffer.alloc(0);
    this.#place = "data";
    return at + bytes - known;
  }

  /** Returns how much of `input` it was. */
  *#readData(input: Uint8Array): Generator<Uint8Array, number> {
    const state = this.#state;
    state.writeBigUInt64LE(addressOf(input), STATE.NEXT_IN);
    state.writeUInt32LE(input.length, STATE.LEFT_IN);
    for (;;) {
      const out = this.#output();
      state.writeBigUInt64LE(addressOf(out), STATE.NEXT_OUT);
      state.writeUInt32LE(out.length, STATE.LEFT_OUT);
      const code = this.#library.inflate(state);
      if (code < 0) throw new Error(`invalid data (${code})`);
      const made = out.length - state.readUInt32LE(STATE.LEFT_OUT);
      if (made > 0) yield out.subarray(0, made);
      if (state.readUInt32LE(STATE.BLOCK) === ISAL_BLOCK_FINISH) {
        this.#place = "header";
        this.#begin(this.#library.reset);
        return input.length - state.readUInt32LE(STATE.LEFT_IN);
      }
      if (made < out.length) return input.length;
    }
  }
}
