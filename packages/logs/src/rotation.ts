import {
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LogLimits } from "./log-uri.ts";

/** A file of a log that was put aside: `FILE.NUMBER` or `FILE.NUMBER.gz`, the lowest number is the youngest. */
export interface RotatedFile {
  readonly path: string;
  readonly number: number;
  readonly isCompressed: boolean;
}

/** The files that were put aside, the youngest first. */
export function rotatedFiles(file: string): RotatedFile[] {
  const name = basename(file);
  return readdirSync(dirname(file))
    .flatMap((entry): RotatedFile[] => {
      if (!entry.startsWith(`${name}.`)) return [];
      const [, number, gz] = /^(\d+)(\.gz)?$/.exec(entry.slice(name.length + 1)) ?? [];
      if (number === undefined) return [];
      const path = join(dirname(file), entry);
      return [{ path, number: Number(number), isCompressed: gz !== undefined }];
    })
    .toSorted((a, b) => a.number - b.number);
}

/** Puts the current file aside, and with it every older one a number further; the oldest goes. */
export function rotate(file: string, { maxFiles }: LogLimits): void {
  for (const { path, number, isCompressed } of rotatedFiles(file).toReversed()) {
    if (number + 1 >= maxFiles) rmSync(path);
    else renameSync(path, `${file}.${number + 1}${isCompressed ? ".gz" : ""}`);
  }
  if (maxFiles > 1) renameSync(file, `${file}.1`);
  else unlinkSync(file);
}

/**
 * Compresses the file of this inode: by the time that it is its turn it may have another number, or be gone, and so
 * again when it is done.
 */
export async function compressRotated(file: string, inode: number): Promise<void> {
  const source = findInode(file, inode);
  if (source === undefined) return;
  const temporary = `${file}.gz.tmp`;
  // Opened at once: a moment later another file may have its name.
  const input = createReadStream("", { fd: openSync(source, "r") });
  await pipeline(input, createGzip(), createWriteStream(temporary, { mode: 0o640 }));
  const now = findInode(file, inode);
  if (now === undefined) return rmSync(temporary);
  renameSync(temporary, `${now}.gz`);
  unlinkSync(now);
}

function findInode(file: string, inode: number): string | undefined {
  if (!existsSync(dirname(file))) return undefined;
  // The inode of a file that is gone may have become that of a compressed one.
  const plain = rotatedFiles(file).filter(({ isCompressed }) => !isCompressed);
  return plain.find(({ path }) => statSync(path, { throwIfNoEntry: false })?.ino === inode)?.path;
}
