import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { allocate } from "@slipway/linux/sparse";

const MEGABYTE = 1024 * 1024;
/** What the database may have to grow by when the log is copied into it. */
const LARGEST_BYTES = 8 * MEGABYTE;
const LEAST_BYTES = MEGABYTE;
/** Of a small file system it is a part. */
const PARTS = 16;
/** File systems run out of inodes, too: a start needs some for the log, its index and two sockets. */
const FILES = 8;
const LOOK_MS = 1_000;

/**
 * Space and inodes of the file system that are given up when nothing else is left, so that a full disk can be freed: a
 * removal has to be written down before files can go. A directory of files, which outlives the daemon: the disk may become
 * full while none runs.
 */
export class Reserve {
  readonly #folder: string;
  #isHeld = false;
  #isSpent = false;
  /** On the clock of performance.now(). */
  #nextLookAt = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether it was given up, and there has been no room for another since. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Acquires it, if there is room. Called often: it looks once a second, and each time after it was given up. */
  hold(): void {
    const now = performance.now();
    if (this.#isHeld || (!this.#isSpent && now < this.#nextLookAt)) return;
    this.#nextLookAt = now + LOOK_MS;
    try {
      this.#isHeld = this.#fill();
      if (this.#isHeld) this.#isSpent = false;
    } catch {
      // Others were faster, or the file system cannot reserve anything.
      this.#remove();
    }
  }

  /** Gives it up. @returns how many bytes it had */
  spend(): number {
    const { sizeBytes } = this.#found();
    this.#remove();
    this.#isHeld = false;
    this.#isSpent = true;
    return sizeBytes;
  }

  #remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #fill(): boolean {
    const { sizeBytes, files } = this.#found();
    const { bsize, blocks, bavail } = statfsSync(join(this.#folder, ".."));
    const wantedBytes = Math.min(Math.max(Math.floor((blocks * bsize) / PARTS), LEAST_BYTES), LARGEST_BYTES);
    if (sizeBytes >= wantedBytes && files >= FILES) return true;
    // Not all that there is: others would fail for want of what may never be needed.
    if (bavail * bsize < 2 * wantedBytes) return false;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (let file = 0; file < FILES; file++) {
      const fd = openSync(join(this.#folder, String(file)), "a", 0o600);
      try {
        if (file === 0) allocate(fd, 0, wantedBytes);
      } finally {
        closeSync(fd);
      }
    }
    return true;
  }

  #found(): { readonly sizeBytes: number; readonly files: number } {
    try {
      const files = readdirSync(this.#folder).length;
      const fd = openSync(join(this.#folder, "0"), "r");
      try {
        return { sizeBytes: fstatSync(fd).size, files };
      } finally {
        closeSync(fd);
      }
    } catch {
      return { sizeBytes: 0, files: 0 };
    }
  }
}
