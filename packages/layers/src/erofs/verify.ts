import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { seekData, seekHole } from "@slipway/linux/sparse";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { pacer } from "../threads/pacer.ts";
import { decodeHeader, headerBytes } from "./format.ts";

export interface ImageSummary {
  /** Of the tar. */
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly imageBytes: number;
  readonly inodes: number;
  /** What the layer would take as files; 0 if the image is from before that was written. */
  readonly filesBytes: number;
  /** Whether the tar is in a file of its own. */
  readonly isTarBeside: boolean;
  /** Whether directories are there that the layer leaves out, and that nobody knew from below when it was written. */
  readonly guessesDirectories: boolean;
}

/** What the image in file `path` says of itself. @throws {Fault} `data_loss` */
export function readImage(path: string): ImageSummary {
  return withFile(path, (fd) => summaryOf(readHeader(fd)));
}

/** Where the tar is in an image. @throws {Fault} `data_loss`, `failed_precondition` when it is not in there */
export function tarRange(path: string): { readonly start: number; readonly end: number } {
  const { isTarBeside, tarBytes } = readImage(path);
  if (isTarBeside)
    throw new Fault("failed_precondition", `Cannot read the tar of "${path}": it is in another file`);
  return { start: headerBytes, end: headerBytes + tarBytes };
}

export interface VerifyImageOptions {
  /** The file with the tar of an image that has none in it. */
  readonly tar?: string;
  /** How fast to read at most; the thread sleeps in between. */
  readonly bytesPerSecond?: number;
}

/**
 * Reads all of an image and compares it with the hashes in its header.
 * @throws {Fault} `data_loss` when it is not what was written
 */
export function verifyImage(path: string, { tar, bytesPerSecond }: VerifyImageOptions = {}): ImageSummary {
  const pace = bytesPerSecond === undefined ? undefined : pacer(bytesPerSecond);
  return withFile(path, (fd) => {
    const header = readHeader(fd);
    const check = (what: string, found: Uint8Array, expected: Uint8Array): void => {
      if (Buffer.compare(found, expected) !== 0)
        throw new Fault("data_loss", `Cannot verify layer image "${path}": its ${what} was changed`);
    };
    const { isTarBeside, tarBytes, imageBytes } = header;
    if (isTarBeside && tar === undefined)
      throw new Fault(
        "failed_precondition",
        `Cannot verify layer image "${path}": its tar is in another file`,
      );
    const tarHash =
      tar !== undefined && isTarBeside
        ? withFile(tar, (other) => hashRange(other, 0, tarBytes, pace))
        : hashRange(fd, headerBytes, headerBytes + tarBytes, pace);
    check("tar", tarHash, header.tarHash);
    const indexStart = isTarBeside ? headerBytes : headerBytes + tarBytes;
    check("index", hashIndex(fd, indexStart, imageBytes), header.indexHash);
    return summaryOf(header);
  });
}

function hashRange(fd: number, from: number, end: number, pace?: (bytes: number) => void): Uint8Array {
  const hash = createHash("sha256");
  for (const { start, bytes } of pieces(fd, from, end)) {
    hash.update(bytes.subarray(0, end - start));
    pace?.(bytes.length);
  }
  return hash.digest();
}

/**
 * The hash of what is in an image from `from` on, and of where that is: pieces without data are left out, since a sparse
 * file may have made them longer than any disk.
 */
export function hashIndex(fd: number, from: number, imageBytes: number): Uint8Array {
  const hash = createHash("sha256");
  let at: number | undefined = from;
  while (at !== undefined && at < imageBytes) {
    const end = Math.min(seekHole(fd, at) ?? imageBytes, imageBytes);
    for (const { start, bytes } of pieces(fd, at - (at % pieceBytes), end)) {
      const own = bytes.subarray(Math.max(0, from - start));
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

function summaryOf(header: ReturnType<typeof decodeHeader>): ImageSummary {
  const { tarHash, tarBytes, imageBytes, inodes, filesBytes, isTarBeside, guessesDirectories } = header;
  const sizes = { tarBytes, imageBytes, inodes, filesBytes };
  return { diffId: toDigest(tarHash), ...sizes, isTarBeside, guessesDirectories };
}

function withFile<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, "r");
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
