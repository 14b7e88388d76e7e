import { createHash, type Hash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync } from "node:fs";
import type { Digest } from "@slipway/oci/digest";
import { writeFully } from "../files/write-fully.ts";
import { TarDecoder } from "../tar/decoder.ts";
import { padded } from "../tar/entry.ts";
import { encodeIndex } from "./encode.ts";
import { encodeHeader, headerBytes } from "./format.ts";
import { hashIndex, toDigest } from "./verify.ts";
import { LayerNodes, type LayerNodesOptions } from "./layer-nodes.ts";
import type { DirectoryNode } from "./nodes.ts";

export interface WrittenImage {
  /** Of the tar. */
  readonly diffId: Digest;
  /** Of the tar. */
  readonly sizeBytes: number;
  /** Of the file. */
  readonly imageBytes: number;
  readonly inodes: number;
}

/** Owner and mode of the tree's root, which are not the layer's to say. */
export type RootAttributes = Pick<DirectoryNode, "mode" | "uid" | "gid">;

export interface ImageFileOptions extends LayerNodesOptions {
  /**
   * The new file that the tar is written to, if not to the image itself: see TarPlace. It gets zeros up to a whole
   * block, which are not the tar's.
   */
  readonly tar?: string;
}

/**
 * Writes a layer image while its tar comes, with synchronous calls: meant for a worker thread. The header is written
 * last: a file without it is no image.
 */
export class ImageFile implements Disposable {
  readonly #fd: number;
  // The same, unless the tar has a file of its own.
  readonly #tarFd: number;
  readonly #tarStart: number;
  readonly #nodes: LayerNodes;
  readonly #decoder: TarDecoder;
  readonly #hash: Hash = createHash("sha256");
  #tarBytes = 0;

  /** `path` must not exist. */
  constructor(path: string, root: RootAttributes, { tar, ...options }: ImageFileOptions) {
    this.#nodes = new LayerNodes(options);
    Object.assign(this.#nodes.root, root);
    this.#decoder = new TarDecoder(this.#nodes);
    this.#fd = openSync(path, "wx+", 0o600);
    this.#tarFd = this.#fd;
    this.#tarStart = headerBytes;
    if (tar === undefined) return;
    this.#tarFd = openSync(tar, "wx+", 0o600);
    this.#tarStart = 0;
  }

  /** Takes the tar's next bytes. @throws {Fault} as applyLayer() */
  write(tar: Uint8Array): void {
    this.#hash.update(tar);
    writeFully(this.#tarFd, tar, this.#tarStart + this.#tarBytes);
    this.#decoder.write(tar);
    this.#tarBytes += tar.length;
  }

  finish(): WrittenImage {
    this.#decoder.end();
    const tar = { fd: this.#tarFd, start: this.#tarStart, bytes: this.#tarBytes, hash: this.#hash.digest() };
    return writeIndex(this.#fd, tar, this.#nodes);
  }

  /** Whether there are directories that neither the layer nor those below have told of. */
  get guessesDirectories(): boolean {
    return this.#nodes.guessesDirectories;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (this.#tarFd !== this.#fd) closeSync(this.#tarFd);
  }
}

/** A tar that is in a file: the image's own, or one beside it. */
interface WrittenTar {
  readonly fd: number;
  readonly start: number;
  readonly bytes: number;
  readonly hash: Uint8Array;
}

/** Writes what makes an image of a tar's tree: the index, then the header. */
export function writeIndex(fd: number, tar: WrittenTar, nodes: LayerNodes): WrittenImage {
  const isBeside = tar.fd !== fd;
  const { superblock, imageBytes, filesBytes, ...index } = encodeIndex(
    nodes.root,
    tar.bytes,
    isBeside ? "beside" : "inside",
  );
  for (const { from, to, length } of index.copies) copyRange(tar.fd, tar.start + from, fd, to, length);
  if (isBeside) ftruncateSync(tar.fd, padded(tar.bytes));
  writeFully(fd, index.metadata, index.metadataOffset);
  const indexHash = hashIndex(fd, isBeside ? headerBytes : headerBytes + tar.bytes, imageBytes);
  const { guessesDirectories } = nodes;
  const sizes = { tarBytes: tar.bytes, imageBytes, filesBytes };
  const record = { ...sizes, tarHash: tar.hash, indexHash, guessesDirectories };
  writeFully(fd, encodeHeader(superblock, record), 0);
  return { diffId: toDigest(tar.hash), sizeBytes: tar.bytes, imageBytes, inodes: superblock.inodes };
}

function copyRange(source: number, from: number, target: number, to: number, length: number): void {
  const buffer = Buffer.alloc(Math.min(length, 1 << 20));
  for (let done = 0; done < length;) {
    const read = readSync(source, buffer, 0, Math.min(buffer.length, length - done), from + done);
    if (read === 0) return;
    writeFully(target, buffer.subarray(0, read), to + done);
    done += read;
  }
}
