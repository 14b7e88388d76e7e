import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** An entry as it lies in a file: its sequence, and the bytes behind the header. */
interface Frame {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 12;

/** One file of the journal: entries one behind the other, each with its length and sequence before it. */
export class JournalFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;

  /** Opens it to append to it. What a kill left of an unfinished entry goes. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "a", 0o600);
    this.#sizeBytes = wholeBytes(readFileSync(path));
    ftruncateSync(this.#fd, this.#sizeBytes);
  }

  /** Where a file is that begins with that sequence. Names are in the order of sequences. */
  static pathOf(folder: string, first: number): string {
    return join(folder, `${String(first).padStart(16, "0")}.events`);
  }

  /** The paths in a folder, oldest first. */
  static list(folder: string): string[] {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".events"))
      .toSorted()
      .map((name) => join(folder, name));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** In the page cache when it returns: a killed daemon has said it. */
  append(sequence: number, bytes: Uint8Array): void {
    const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
    frame.writeUInt32LE(bytes.length, 0);
    frame.writeDoubleLE(sequence, 4);
    frame.set(bytes, HEADER_BYTES);
    try {
      if (writeSync(this.#fd, frame) < frame.length)
        throw new Error(`Cannot write "${this.path}": no space left`);
    } catch (error) {
      ftruncateSync(this.#fd, this.#sizeBytes);
      throw error;
    }
    this.#sizeBytes += frame.length;
  }

  close(): void {
    closeSync(this.#fd);
  }

  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }
}

/** The entries of a file, as far as they are whole. */
export function* framesIn(path: string): Generator<Frame> {
  const data = readFileSync(path);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  let at = 0;
  for (let end = frameEnd(data, at); end !== undefined; end = frameEnd(data, at)) {
    yield { sequence: data.readDoubleLE(at + 4), bytes: bytes.subarray(at + HEADER_BYTES, end) };
    at = end;
  }
}

function wholeBytes(data: Buffer): number {
  let at = 0;
  for (let end = frameEnd(data, at); end !== undefined; end = frameEnd(data, at)) at = end;
  return at;
}

function frameEnd(data: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > data.length) return undefined;
  const end = at + HEADER_BYTES + data.readUInt32LE(at);
  return end > data.length ? undefined : end;
}
