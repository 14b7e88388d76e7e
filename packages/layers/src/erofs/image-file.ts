import { createHash, type Hash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Digest } from "@slipway/oci/digest";
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
    const tarHash = this.#hash.digest();
    const tarBytes = this.#tarBytes;
    const isBeside = this.#tarFd !== this.#fd;
    const { superblock, imageBytes, ...index } = encodeIndex(
      this.#nodes.root,
      tarBytes,
      isBeside ? "beside" : "inside",
    );
    for (const { from, to, length } of index.copies)
      copyRange(this.#tarFd, this.#tarStart + from, this.#fd, to, length);
    if (isBeside) ftruncateSync(this.#tarFd, padded(tarBytes));
    writeFully(this.#fd, index.metadata, index.metadataOffset);
    const indexHash = hashIndex(this.#fd, isBeside ? headerBytes : headerBytes + tarBytes, imageBytes);
    const { guessesDirectories } = this.#nodes;
    const record = { tarBytes, imageBytes, tarHash, indexHash, guessesDirectories };
    writeFully(this.#fd, encodeHeader(superblock, record), 0);
    return { diffId: toDigest(tarHash), sizeBytes: tarBytes, imageBytes, inodes: superblock.inodes };
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (this.#tarFd !== this.#fd) closeSync(this.#tarFd);
  }
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
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
