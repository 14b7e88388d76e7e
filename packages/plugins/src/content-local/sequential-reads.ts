import type { Digest } from "@slipway/oci/digest";
import { readFileRange } from "./read-file.ts";

/** What is read at once for a reader of small ranges, and once more ahead of it. */
const windowBytes = 1024 * 1024;
const maxBlobs = 8;
const idleMs = 1000;

interface Window {
  readonly at: number;
  readonly bytes: Promise<Buffer>;
}

interface Reading {
  readonly path: string;
  readonly sizeBytes: number;
  /** Where the last read ended: who goes on there reads the whole blob, piece by piece. */
  next: number;
  window?: Window | undefined;
  ahead?: Window | undefined;
}

/**
 * Go's content reader takes a blob in ranges of 32 KiB, one call each; a file opened, read and closed for each of them
 * costs more than the bytes. So when one read goes on where the last one ended, the blob is read in large pieces ahead
 * of its reader. Blobs do not change, so pieces cannot be stale. What bench/content.ts gets is read so.
 */
export class SequentialReads {
  /** The one that was read last is last. */
  readonly #readings = new Map<Digest, Reading>();
  #timer: NodeJS.Timeout | undefined;

  /** The size of a blob that is being read, without a look at the disk. */
  sizeOf(digest: Digest): number | undefined {
    return this.#readings.get(digest)?.sizeBytes;
  }

  /** The range, when it has been read ahead or is about to be; else the caller reads for itself. */
  take(
    digest: Digest,
    path: string,
    sizeBytes: number,
    offset: number,
    length: number,
  ): Promise<Buffer> | undefined {
    const reading = this.#readings.get(digest) ?? { path, sizeBytes, next: -1 };
    const goesOn = reading.next === offset;
    reading.next = offset + length;
    this.#keep(digest, reading);
    if (!goesOn || length > windowBytes) return undefined;
    const window = this.#windowAt(reading, offset);
    const from = offset - window.at;
    if (from + length > windowBytes) return undefined;
    return window.bytes.then((bytes) => bytes.subarray(from, from + length));
  }

  forget(digest: Digest): void {
    this.#readings.delete(digest);
  }

  #windowAt(reading: Reading, offset: number): Window {
    const holds = (window: Window | undefined): window is Window =>
      window !== undefined && offset >= window.at && offset < window.at + windowBytes;
    if (holds(reading.window)) return reading.window;
    reading.window = holds(reading.ahead) ? reading.ahead : load(reading, offset);
    reading.ahead = load(reading, reading.window.at + windowBytes);
    return reading.window;
  }

  #keep(digest: Digest, reading: Reading): void {
    this.#readings.delete(digest);
    this.#readings.set(digest, reading);
    const [oldest] = this.#readings.keys();
    if (this.#readings.size > maxBlobs && oldest !== undefined) this.#readings.delete(oldest);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#readings.clear();
    }, idleMs).unref();
    this.#timer.refresh();
  }
}

function load({ path, sizeBytes }: Reading, at: number): Window {
  const bytes = first(readFileRange(path, at, Math.max(0, Math.min(windowBytes, sizeBytes - at))));
  bytes.catch(() => {}); // Thrown to the reader that comes so far.
  return { at, bytes };
}

async function first(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  for await (const chunk of chunks) return chunk;
  return Buffer.alloc(0);
}
