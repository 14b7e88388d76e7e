import type { ByteName } from "../../bytes-name.ts";
import { direntBytes, maxNameBytes } from "../format.ts";
import { damaged, readSize } from "./damage.ts";

/** A name of a directory. */
export interface Dirent {
  readonly name: ByteName;
  /** The number of its inode. */
  readonly number: number;
}

/**
 * The names of a directory but for "." and "..", in order.
 * @param data all of the directory
 * @throws {Fault} `data_loss` also for names out of order, which the kernel would not find
 */
export function decodeDirectory(data: Buffer, blockBytes: number): Dirent[] {
  const found: Dirent[] = [];
  let last = "";
  for (let start = 0; start < data.length; start += blockBytes) {
    for (const dirent of decodeBlock(data.subarray(start, start + blockBytes))) {
      if (dirent.name <= last) throw damaged("the names of a directory are out of order");
      last = dirent.name;
      if (dirent.name !== "." && dirent.name !== "..") found.push(dirent);
    }
  }
  return found;
}

/** Entries that know where their names begin, then the names; the last one ends with the block or with a NUL. */
function* decodeBlock(block: Buffer): Generator<Dirent> {
  const nameAt = (entry: number): number => block.readUInt16LE(entry * direntBytes + 8);
  const names = block.length < direntBytes ? 0 : nameAt(0);
  if (names < direntBytes || names % direntBytes !== 0 || names > block.length)
    throw damaged("a directory's block is malformed");
  const count = names / direntBytes;
  for (let entry = 0; entry < count; entry += 1) {
    const start = nameAt(entry);
    const end = entry + 1 < count ? nameAt(entry + 1) : block.length;
    if (start < names || end < start || end > block.length) throw damaged("a name is outside of its block");
    const whole = block.toString("latin1", start, end);
    const name = entry + 1 < count ? whole : whole.replace(/\0.*$/s, "");
    if (name === "" || name.length > maxNameBytes || /[/\0]/.test(name)) throw damaged("a name is malformed");
    yield { name, number: readSize(block, entry * direntBytes) };
  }
}
