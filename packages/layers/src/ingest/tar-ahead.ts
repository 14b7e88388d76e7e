import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { Inflation } from "../compression/inflate.ts";
import { headerBytes } from "../erofs/format.ts";
import { writeFully } from "../files/write-fully.ts";
import { BlockingRingWriter } from "../threads/byte-ring.ts";
import type { AheadTar } from "./ahead-tar.ts";

/**
 * Makes the tar of a layer whose compressed bytes are pushed in: into its image's file, which is made anew, and for the
 * thread that makes the index. What goes wrong ends it, and is no concern of who stores the blob.
 */
export class TarAhead implements Disposable {
  readonly #tar: AheadTar;
  readonly #ring: BlockingRingWriter;
  readonly #inflation: Inflation;
  readonly #hash = createHash("sha256");
  #fd: number | undefined;
  #bytes = 0;
  #hasFailed = false;

  constructor(tar: AheadTar) {
    this.#tar = tar;
    this.#ring = new BlockingRingWriter(tar.ring);
    this.#inflation = new Inflation(() => this.#ring.room());
    this.#attempt(() => (this.#fd = openSync(tar.path, "w", 0o600)));
  }

  write(blob: Uint8Array): void {
    this.#attempt(() => {
      for (const tar of this.#inflation.push(blob)) this.#take(tar);
    });
  }

  /** The blob is complete. */
  end(): void {
    this.#attempt(() => {
      for (const tar of this.#inflation.end()) this.#take(tar);
      new Uint8Array(this.#tar.hash).set(this.#hash.digest());
      this.#ring.end();
      this.#close();
    });
  }

  [Symbol.dispose](): void {
    this.#inflation[Symbol.dispose]();
    // The blob was not complete.
    if (this.#fd !== undefined) this.#fail();
  }

  #take(tar: Uint8Array): void {
    this.#hash.update(tar);
    writeFully(this.#fd ?? -1, tar, headerBytes + this.#bytes);
    this.#bytes += tar.length;
    this.#ring.write(tar);
  }

  #attempt(work: () => void): void {
    if (this.#hasFailed) return;
    try {
      work();
    } catch {
      // Who applies the layer will meet the same, and tell of it.
      this.#fail();
    }
  }

  #fail(): void {
    this.#hasFailed = true;
    this.#ring.abort();
    this.#close();
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
