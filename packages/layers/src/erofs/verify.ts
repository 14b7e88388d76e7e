import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { seekData, seekHole } from "@slipway/linux/sparse";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { decodeHeader, headerBytes, type ImageRecord } from "./format.ts";

export interface ImageSummary {
  /** Of the tar. */
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly imageBytes: number;
  readonly inodes: number;
}

/** What the image in file `path` says of itself. @throws {Fault} `data_loss` */
export function readImage(path: string): ImageSummary {
  return withFile(path, (fd) => summaryOf(readHeader(fd)));
}

/** Where the tar is in an image. @throws {Fault} `data_loss` */
export function tarRange(path: string): { readonly start: number; readonly end: number } {
  return { start: headerBytes, end: headerBytes + readImage(path).tarBytes };
}

/**
 * Reads all of an image and compares it with the hashes in its header.
 * @throws {Fault} `data_loss` when it is not what was written
 */
export function verifyImage(path: string): ImageSummary {
  return withFile(path, (fd) => {
    const header = readHeader(fd);
    const check = (what: string, found: Uint8Array, expected: Uint8Array): void => {
      if (Buffer.compare(found, expected) !== 0)
        throw new Fault("data_loss", `Cannot verify layer image "${path}": its ${what} was changed`);
    };
    check("tar", hashTar(fd, header.tarBytes), header.tarHash);
    check("index", hashIndex(fd, header), header.indexHash);
    return summaryOf(header);
  });
}

function hashTar(fd: number, tarBytes: number): Uint8Array {
  const hash = createHash("sha256");
  const end = headerBytes + tarBytes;
  for (const { start, bytes } of pieces(fd, headerBytes, end)) hash.update(bytes.subarray(0, end - start));
  return hash.digest();
}

/**
 * The hash of what follows the tar, and of where that is: pieces without data are left out, since a sparse file may have
 * made them longer than any disk.
 */
export function hashIndex(
  fd: number,
  { tarBytes, imageBytes }: Pick<ImageRecord, "tarBytes" | "imageBytes">,
): Uint8Array {
  const hash = createHash("sha256");
  let at: number | undefined = headerBytes + tarBytes;
  while (at !== undefined && at < imageBytes) {
    const end = Math.min(seekHole(fd, at) ?? imageBytes, imageBytes);
    for (const { start, bytes } of pieces(fd, at - (at % pieceBytes), end)) {
      const own = bytes.subarray(Math.max(0, headerBytes + tarBytes - start));
      if (!own.equals(zeros.subarray(0, own.length))) hash.update(`${start}:`).update(own);
    }
    at = seekData(fd, Math.ceil(end / pieceBytes) * pieceBytes);
  }
  return hash.digest();
}

const pieceBytes = 1 << 16;
const zeros = Buffer.alloc(pieceBytes);

/** What a file has from `start` to `end`, or to the end of the piece that `end` is in. Good until the next is asked for. */
function* pieces(fd: number, start: number, end: number): Generator<{ start: number; bytes: Buffer }> {
  const buffer = Buffer.alloc(pieceBytes);
  for (let at = start; at < end; at += pieceBytes) {
    const read = readSync(fd, buffer, 0, pieceBytes, at);
    if (read === 0) return;
    yield { start: at, bytes: buffer.subarray(0, read) };
  }
}

export function toDigest(sha256: Uint8Array): Digest {
  return parseDigest(`sha256:${Buffer.from(sha256).toString("hex")}`);
}

function readHeader(fd: number): ReturnType<typeof decodeHeader> {
  const header = Buffer.alloc(headerBytes);
  return decodeHeader(header.subarray(0, readSync(fd, header, 0, headerBytes, 0)));
}

function summaryOf({ tarHash, tarBytes, imageBytes, inodes }: ReturnType<typeof decodeHeader>): ImageSummary {
  return { diffId: toDigest(tarHash), tarBytes, imageBytes, inodes };
}

function withFile<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, "r");
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
