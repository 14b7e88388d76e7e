import { closeSync, constants, ftruncateSync, writeSync } from "node:fs";
import { during, Fault, messageOf } from "@slipway/fault/fault";
import { linkAt, mkdirAt, symlinkAt } from "@slipway/linux/at";
import { makeDevice, mknodAt, S_IF } from "@slipway/linux/mknod";
import { openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";
import { setTimes } from "@slipway/linux/times";
import { type ByteName, toPath, toText } from "../bytes-name.ts";
import type { TarSink } from "../tar/decoder.ts";
import type { TarEntry } from "../tar/entry.ts";
import { setAttributes, type Times, timesOf } from "./attributes.ts";
import { cleanName, type Directory, leavesRoot, type RootedTree, splitName } from "./rooted-tree.ts";
import { joinName, opaqueMarker, whiteoutPrefix, type Whiteouts } from "./whiteouts.ts";

export interface LayerLimits {
  /** Of all files together. */
  readonly maxBytes?: number;
  readonly maxEntries?: number;
}

/**
 * Writes a layer's members into a tree, with synchronous calls: 25,000 files are some 150,000 calls, and a promise for
 * each takes longer than the call (bench/unpack.ts). So it runs in a worker thread.
 */
export class LayerWriter implements TarSink, Disposable {
  readonly #tree: RootedTree;
  readonly #whiteouts: Whiteouts;
  readonly #limits: LayerLimits;
  readonly #own: Set<ByteName>;
  readonly #onIgnored: (what: string) => void;
  readonly #directoryTimes: Map<ByteName, Times>;
  #current:
    | {
        readonly entry: TarEntry;
        readonly fd: number;
        readonly directory: Directory;
        readonly base: ByteName;
      }
    | undefined;
  #bytes = 0;
  #entries = 0;

  constructor(
    tree: RootedTree,
    whiteouts: Whiteouts,
    options: {
      /** Paths that the layer brought. */
      readonly own: Set<ByteName>;
      /** What finish() sets. */
      readonly directoryTimes: Map<ByteName, Times>;
      readonly limits: LayerLimits;
      readonly onIgnored: (what: string) => void;
    },
  ) {
    this.#tree = tree;
    this.#whiteouts = whiteouts;
    this.#own = options.own;
    this.#directoryTimes = options.directoryTimes;
    this.#limits = options.limits;
    this.#onIgnored = options.onIgnored;
  }

  /** Of the files so far. */
  get bytes(): number {
    return this.#bytes;
  }

  entry(entry: TarEntry): void {
    this.#count(entry);
    try {
      this.#place(entry);
    } catch (error) {
      throw during(`apply "${toText(entry.name)}" of the layer`, error);
    }
  }

  /** As entry(), of a member whose name is no whiteout whatever it looks like. */
  member(entry: TarEntry): void {
    this.#count(entry);
    const [parent, base] = splitName(cleanName(entry.name));
    this.#create(this.#tree.directory(parent), base, entry);
  }

  /** `path` of the layers below is gone. */
  whiteout(path: ByteName, owner: Pick<TarEntry, "uid" | "gid">): void {
    const [parent, base] = splitName(path);
    this.#whiteouts.remove(this.#tree.directory(parent), base, owner);
  }

  /** All that layers below have in the directory is gone. */
  opaque(directory: ByteName): void {
    this.#whiteouts.clear(this.#tree.directory(directory));
  }

  data(bytes: Uint8Array, position: number): void {
    // A file that is no more than a whiteout has no descriptor.
    if (!this.#current) return;
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#current.fd, bytes, written, bytes.length - written, position + written);
    }
  }

  end(): void {
    const current = this.#current;
    if (!current) return;
    const { fd, entry, directory, base } = current;
    if (entry.sparse) ftruncateSync(fd, entry.sizeBytes);
    setAttributes(directory, base, entry, { fd, onIgnored: this.#onIgnored });
    this.#current = undefined;
    closeSync(fd);
  }

  /** Sets the times of directories, which are final when nothing is put into them any more. */
  finish(): void {
    for (const [path, times] of this.#directoryTimes) {
      const [parent, base] = splitName(path);
      setTimes(toPath(base), times, this.#tree.directory(parent).fd);
    }
  }

  [Symbol.dispose](): void {
    if (this.#current) closeSync(this.#current.fd);
    this.#current = undefined;
  }

  #count({ sizeBytes }: TarEntry): void {
    const { maxBytes = Number.POSITIVE_INFINITY, maxEntries = Number.POSITIVE_INFINITY } = this.#limits;
    this.#bytes += sizeBytes;
    this.#entries += 1;
    if (this.#entries > maxEntries) {
      throw new Fault("resource_exhausted", `Cannot apply layer: it has more than ${maxEntries} entries`);
    }
    if (this.#bytes > maxBytes) {
      throw new Fault("resource_exhausted", `Cannot apply layer: its files have more than ${maxBytes} bytes`);
    }
  }

  #place(entry: TarEntry): void {
    if (leavesRoot(entry.name)) throw new Fault("invalid_argument", "it is outside of the layer's root");
    const [parent, base] = splitName(cleanName(entry.name));
    // The root's own attributes are the snapshotter's.
    if (base === "") return;
    if (!base.startsWith(whiteoutPrefix)) return this.#create(this.#tree.directory(parent), base, entry);
    // A symlink hides all that is below its name in the layers below. What it points to is another directory's.
    if (this.#tree.hasSymlink(parent))
      return this.#onIgnored(`whiteout "${toText(entry.name)}" below a symlink`);
    const directory = this.#tree.directory(parent);
    if (base === opaqueMarker) return this.#whiteouts.clear(directory);
    return this.#whiteout(directory, base.slice(whiteoutPrefix.length), entry);
  }

  #whiteout(directory: Directory, name: ByteName, entry: TarEntry): void {
    if (name === "" || name === "." || name === "..")
      throw new Fault("invalid_argument", "it is not a valid whiteout");
    this.#whiteouts.remove(directory, name, entry);
  }

  #create(directory: Directory, base: ByteName, entry: TarEntry): void {
    const path = joinName(directory.path, base);
    const make = (): void => this.#make(directory, base, entry);
    try {
      make();
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
      this.#replace(directory, base, entry, make);
    }
    this.#claim(path);
    if (entry.type === "directory") this.#directoryTimes.set(path, timesOf(entry));
    if (entry.type !== "file") setAttributes(directory, base, entry, { onIgnored: this.#onIgnored });
  }

  /** The directories on the way are the layer's, too: a whiteout of one of them leaves what the layer put there. */
  #claim(path: ByteName): void {
    for (let own = path; own !== "" && !this.#own.has(own); own = splitName(own)[0]) this.#own.add(own);
  }

  /** Directories are merged; anything else gives way. */
  #replace(directory: Directory, base: ByteName, entry: TarEntry, make: () => void): void {
    const there = this.#tree.stat(directory, base);
    const isDirectory = entry.type === "directory";
    if (there?.isDirectory() && isDirectory) return;
    if (there) {
      this.#tree.remove(directory, base, there);
      const path = joinName(directory.path, base);
      for (const known of this.#directoryTimes.keys()) {
        if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
      }
    }
    make();
    // What gave way, a whiteout or a file, hid what is below, which must not shine through now.
    if (isDirectory && there) {
      this.#whiteouts.clear(this.#tree.directory(joinName(directory.path, base)));
    }
  }

  #make(directory: Directory, base: ByteName, entry: TarEntry): void {
    const path = toPath(base);
    switch (entry.type) {
      case "file": {
        const fd = openAt(directory.fd, path, createFlags, { mode: 0o600, resolve: RESOLVE.BENEATH });
        this.#current = { entry, fd, directory, base };
        return;
      }
      case "directory":
        return mkdirAt(directory.fd, path, entry.mode);
      case "symlink":
        return symlinkAt(Buffer.from(entry.linkName, "latin1"), directory.fd, path);
      case "link":
        return this.#link(directory, base, entry);
      case "fifo":
        return mknodAt(directory.fd, path, S_IF.FIFO | entry.mode);
      case "character":
      case "block":
        return mknodAt(directory.fd, path, deviceType[entry.type] | entry.mode, deviceOf(entry));
    }
  }

  #isDirectory(directory: Directory, base: ByteName): boolean {
    return this.#tree.stat(directory, base)?.isDirectory() ?? false;
  }

  #link(directory: Directory, base: ByteName, { linkName }: TarEntry): void {
    if (leavesRoot(linkName))
      throw new Fault("invalid_argument", `its target "${toText(linkName)}" is outside of the layer's root`);
    const [parent, targetBase] = splitName(cleanName(linkName));
    const targetDirectory = this.#tree.directory(parent);
    if (targetDirectory.fd === directory.fd && targetBase === base && !this.#isDirectory(directory, base))
      return;
    try {
      linkAt(targetDirectory.fd, toPath(targetBase), directory.fd, toPath(base));
    } catch (error) {
      if (!isSystemError(error, "ENOENT", "EPERM")) throw error;
      throw new Fault("invalid_argument", `cannot link it to "${toText(linkName)}": ${messageOf(error)}`);
    }
  }
}

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const deviceType = { character: S_IF.CHR, block: S_IF.BLK } as const;

function deviceOf({ deviceMajor, deviceMinor }: TarEntry): bigint {
  const isValid = (number: number): boolean => number >= 0 && number <= 0xffff_ffff;
  if (isValid(deviceMajor) && isValid(deviceMinor)) return makeDevice(deviceMajor, deviceMinor);
  throw new Fault("invalid_argument", `device number ${deviceMajor}:${deviceMinor} is out of range`);
}
