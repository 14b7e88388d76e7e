import { type FileHandle, open } from "node:fs/promises";
import { Fault } from "@slipway/fault/fault";

/** Large enough that a read costs little beside its bytes, small enough for 500 readers at once. */
const chunkBytes = 1024 * 1024;

/** The file's bytes from `offset`, at most `length`: the next chunk is read while the consumer has the one before. */
export async function* readFileRange(
  path: string,
  offset: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  await using file = await open(path, "r");
  const end = offset + length;
  let at = offset;
  const next = (): Promise<Buffer> | undefined => {
    if (at >= end) return undefined;
    const from = at;
    at = Math.min(at + chunkBytes, end);
    const chunk = readFully(file, from, at - from);
    chunk.catch(() => {}); // Thrown where it is awaited, which a consumer that leaves does not come to.
    return chunk;
  };
  let ahead = next();
  try {
    while (ahead) {
      const chunk = await ahead;
      signal?.throwIfAborted();
      ahead = next();
      yield chunk;
    }
  } finally {
    await ahead?.catch(() => {});
  }
}

async function readFully(file: FileHandle, position: number, length: number): Promise<Buffer> {
  // A blob may be read by many: memory of the pool would be held by the chunk that lives longest.
  const chunk = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(chunk, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new Fault("data_loss", `file ends at ${position + filled}, before its size`);
    filled += bytesRead;
  }
  return chunk;
}
