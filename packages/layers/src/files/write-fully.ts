import { writeSync } from "node:fs";

/** Writes all of the bytes at a position, however many calls that takes. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
}
