import { Fault, messageOf } from "@slipway/fault/fault";
import { gunzip } from "@slipway/linux/inflate/gunzip";
import type { Inflater, Output } from "@slipway/linux/inflate/inflater";
import { unzstd } from "@slipway/linux/inflate/zstd";
import type { Compression } from "@slipway/oci/media-types";
import { compressionOf, decompress } from "./decompress.ts";

// As many bytes as it takes to tell the compressions apart.
const detectBytes = 10;

/**
 * As decompress(), with synchronous calls: meant for a worker thread. The pieces are good until the next is asked for, and so
 * may those of the source be.
 * @throws {Fault} `data_loss` when the stream is broken or cut off, `unimplemented` for xz, bzip2 and lz4
 */
export async function* inflate(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (!canInflate()) {
    yield* decompress(copies(source));
    return;
  }
  using inflation = new Inflation();
  for await (const chunk of source) yield* inflation.push(chunk);
  yield* inflation.end();
}

/** For streams, which keep what they are given for a while. */
async function* copies(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield new Uint8Array(piece);
}

/** Whether this Node lets its libraries be called. */
export function canInflate(): boolean {
  try {
    for (const make of [gunzip, unzstd]) make()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/**
 * Decompresses what begins as gzip or zstd, and passes anything else on as it is. Bytes are pushed in; the pieces that
 * come out are good until the next call.
 */
export class Inflation implements Disposable {
  #compression: Compression | undefined;
  #inflater: Inflater | undefined;
  // What came before there was enough to tell.
  #start = Buffer.alloc(0);
  readonly #output: Output | undefined;

  /** Pieces are made in the memory that `output` gives, unless the thread's own will do. */
  constructor(output?: Output) {
    this.#output = output;
  }

  /** @throws {Fault} `data_loss` when the stream is broken */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let input = bytes;
    if (this.#compression === undefined) {
      input = this.#start = Buffer.concat([this.#start, bytes]);
      if (input.length < detectBytes) return;
      this.#begin(input);
    }
    yield* this.#inflate(input);
  }

  /** What is left. @throws {Fault} `data_loss` when the stream is cut off */
  *end(): Generator<Uint8Array> {
    if (this.#compression === undefined) {
      this.#begin(this.#start);
      yield* this.#inflate(this.#start);
    }
    if (this.#inflater && !this.#inflater.isComplete) throw this.#failed(new Error("unexpected end of file"));
  }

  [Symbol.dispose](): void {
    this.#inflater?.[Symbol.dispose]();
  }

  #begin(start: Uint8Array): void {
    this.#compression = compressionOf(start);
    if (this.#compression === "gzip") this.#inflater = gunzip(this.#output);
    if (this.#compression === "zstd") this.#inflater = unzstd(this.#output);
  }

  *#inflate(input: Uint8Array): Generator<Uint8Array> {
    if (!this.#inflater) {
      if (input.length > 0) yield input;
      return;
    }
    const pieces = this.#inflater.inflate(input);
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = pieces.next();
      } catch (error) {
        throw this.#failed(error);
      }
      if (next.done) return;
      yield next.value;
    }
  }

  #failed(error: unknown): Fault {
    const what = `Cannot decompress ${this.#compression}: ${messageOf(error)}`;
    return new Fault("data_loss", what, { cause: error });
  }
}
