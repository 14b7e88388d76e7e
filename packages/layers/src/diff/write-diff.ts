import { type BigIntStats, closeSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { majorOf, minorOf } from "@slipway/linux/mknod";
import { getXattr } from "@slipway/linux/xattr";
import { splitName } from "../apply/rooted-tree.ts";
import { joinName, whiteoutPrefix } from "../apply/whiteouts.ts";
import { type ByteName, fromText, toText } from "../bytes-name.ts";
import { encodeHeader, endOfArchive, paddingAfter } from "../tar/encoder.ts";
import type { TarType } from "../tar/entry.ts";
import { type Change, findChanges, type Trees } from "./changes.ts";

export interface WriteDiffOptions extends Trees {
  /** Later times of files become this. In nanoseconds since 1970. */
  readonly latestNs?: bigint;
}

/**
 * The tar of what differs between two trees: a layer, byte for byte the one that containerd's pkg/archive/tar.go makes.
 * Parents of what changed are in it; deletions are whiteouts; sockets are not. Reads synchronously while it is pulled.
 */
export function* writeDiff(options: WriteDiffOptions): Generator<Uint8Array> {
  const writer = new DiffWriter(fromText(options.upper), options.latestNs);
  for (const change of findChanges(options)) yield* writer.change(change);
  yield endOfArchive;
}

const chunkBytes = 1 << 18;

class DiffWriter {
  readonly #source: ByteName;
  readonly #latestNs: bigint | undefined;
  readonly #directories = new Set<ByteName>();
  // By inode: the name that has the content, and names that wait for one.
  readonly #written = new Map<bigint, ByteName>();
  readonly #waiting = new Map<bigint, { path: ByteName; stat: BigIntStats }[]>();

  constructor(source: ByteName, latestNs: bigint | undefined) {
    this.#source = source;
    this.#latestNs = latestNs;
  }

  *change(change: Change): Generator<Uint8Array> {
    if (change.kind === "delete") {
      const [directory, base] = splitName(change.path);
      yield* this.#parents(change.path);
      yield encodeHeader({ type: "file", name: joinName(directory, whiteoutPrefix + base) });
      return;
    }
    const { kind, path, stat } = change;
    if (stat.isSocket()) return;
    const isLinked = !stat.isDirectory() && stat.nlink > 1n;
    const written = isLinked ? this.#written.get(stat.ino) : undefined;
    if (written !== undefined) {
      yield* this.#link(path, stat, written);
    } else if (kind === "unmodified") {
      const waiting = this.#waiting.get(stat.ino) ?? [];
      waiting.push({ path, stat });
      this.#waiting.set(stat.ino, waiting);
    } else {
      yield* this.#file(path, stat);
      if (!isLinked) return;
      this.#written.set(stat.ino, path);
      for (const other of this.#waiting.get(stat.ino) ?? []) yield* this.#link(other.path, other.stat, path);
      this.#waiting.delete(stat.ino);
    }
  }

  *#link(path: ByteName, stat: BigIntStats, linkName: ByteName): Generator<Uint8Array> {
    yield* this.#parents(path);
    yield encodeHeader({ ...this.#attributes(path, stat), type: "link", name: path, linkName });
  }

  *#file(path: ByteName, stat: BigIntStats): Generator<Uint8Array> {
    const type = typeOf(stat);
    const source = this.#path(path);
    yield* this.#parents(path);
    if (type === "directory") this.#directories.add(path);
    const sizeBytes = type === "file" ? Number(stat.size) : 0;
    yield encodeHeader({
      ...this.#attributes(path, stat),
      type,
      name: type === "directory" ? `${path}/` : path,
      linkName: type === "symlink" ? readlinkSync(source, "latin1") : "",
      sizeBytes,
    });
    if (sizeBytes > 0) yield* content(source, sizeBytes);
  }

  #attributes(path: ByteName, stat: BigIntStats): Omit<Parameters<typeof encodeHeader>[0], "type" | "name"> {
    const capability = getXattr(this.#path(path), "security.capability");
    const isLater = this.#latestNs !== undefined && stat.mtimeNs > this.#latestNs;
    const isDevice = stat.isCharacterDevice() || stat.isBlockDevice();
    return {
      mode: Number(stat.mode & 0o7777n),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      modifiedNs: isLater && this.#latestNs !== undefined ? this.#latestNs : stat.mtimeNs,
      ...(isDevice ? { deviceMajor: majorOf(stat.rdev), deviceMinor: minorOf(stat.rdev) } : {}),
      ...(capability ? { xattrs: new Map([["security.capability", capability]]) } : {}),
    };
  }

  /** A layer names the directories that lead to what it has, so that they keep their attributes where it is applied. */
  *#parents(path: ByteName): Generator<Uint8Array> {
    const [parent] = splitName(path);
    if (parent === "" || this.#directories.has(parent)) return;
    yield* this.#file(parent, lstatSync(this.#path(parent), { bigint: true }));
  }

  #path(path: ByteName): Buffer {
    return Buffer.from(`${this.#source}/${path}`, "latin1");
  }
}

function* content(path: Buffer, sizeBytes: number): Generator<Uint8Array> {
  const fd = openSync(path, "r");
  try {
    for (let left = sizeBytes; left > 0;) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, left));
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) {
        throw new Fault(
          "aborted",
          `Cannot read "${toText(path.toString("latin1"))}": it became shorter meanwhile`,
        );
      }
      left -= length;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
  yield paddingAfter(sizeBytes);
}

function typeOf(stat: BigIntStats): TarType {
  if (stat.isDirectory()) return "directory";
  if (stat.isFile()) return "file";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  return stat.isCharacterDevice() ? "character" : "block";
}
