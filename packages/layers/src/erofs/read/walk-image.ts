import { Fault } from "@slipway/fault/fault";
import { joinName } from "../../apply/whiteouts.ts";
import type { ByteName } from "../../bytes-name.ts";
import type { TarSink } from "../../tar/decoder.ts";
import type { TarEntry } from "../../tar/entry.ts";
import { damaged } from "./damage.ts";
import { decodeDirectory } from "./directory.ts";
import { type Extent, extentsOf } from "./extents.ts";
import { ImageBytes } from "./image-bytes.ts";
import { deviceOf, type Inode, readInode } from "./inode.ts";
import { readXattrs } from "./xattrs.ts";

/** Takes what an image has in it, as the members of a layer. */
export interface ImageSink extends Required<Pick<TarSink, "data" | "end">> {
  /** A member begins; its name is itself, whatever it looks like. */
  member(entry: TarEntry): void;
  /** A member that says that its name is gone from the layers below: overlay's device 0:0, or a link to one. */
  whiteout(entry: TarEntry): void;
  /** All that layers below have in the directory is gone. */
  opaque(directory: ByteName): void;
}

const opaque = "trusted.overlay.opaque";
const maxPathBytes = 4095;
// A million names.
const maxDirectoryBytes = 1 << 28;

/**
 * Reads an EROFS image that is not compressed, and gives what is in it as the members of a layer: parents before
 * children, the second name of a file as a link to the first, overlay's marks of what is gone as whiteouts. Believes
 * nothing: whatever the image says, it reads no more than there is, and ends.
 * @param devices the files that are the image's extra devices
 * @throws {Fault} `data_loss`, `unimplemented`, `failed_precondition` when it has other devices; and as the sink
 */
export function walkImage(path: string, devices: readonly string[], sink: ImageSink): void {
  using image = new ImageBytes(path, devices);
  new ImageWalk(image, sink).run();
}

class ImageWalk {
  readonly #image: ImageBytes;
  readonly #sink: ImageSink;
  readonly #directories = new Set<number>();
  /** The first names of files. */
  readonly #names = new Map<number, ByteName>();
  // A block is one directory's: a hostile image that has them share some could be as wide as it likes.
  #directoryBytesLeft: number;

  constructor(image: ImageBytes, sink: ImageSink) {
    this.#image = image;
    this.#sink = sink;
    this.#directoryBytesLeft = image.sizeBytes;
  }

  run(): void {
    const root = readInode(this.#image, this.#image.layout.rootNumber);
    if (root.type !== "directory") throw damaged("its root is no directory");
    const left = this.#directory("", root);
    for (let next = left.pop(); next; next = left.pop()) {
      this.#emit(next.path, next.inode);
      left.push(...this.#directory(next.path, next.inode));
    }
  }

  /** What the directory has in it. @returns its directories, last one first */
  #directory(path: ByteName, inode: Inode): { readonly path: ByteName; readonly inode: Inode }[] {
    if (this.#directories.has(inode.number)) throw damaged("a directory is there twice");
    this.#directories.add(inode.number);
    if (readXattrs(this.#image, inode).has(opaque)) this.#sink.opaque(path);
    const below = [];
    for (const { name, number } of decodeDirectory(this.#data(inode), this.#image.layout.blockBytes)) {
      const child = { path: joinName(path, name), inode: readInode(this.#image, number) };
      if (child.path.length > maxPathBytes) throw damaged("a path is too long");
      if (child.inode.type === "directory") below.push(child);
      else if (child.inode.type !== "socket") this.#emit(child.path, child.inode);
    }
    return below.toReversed();
  }

  #emit(path: ByteName, inode: Inode): void {
    const first = this.#names.get(inode.number);
    const common = this.#entry(path, inode);
    if (first === undefined && inode.type !== "directory") this.#names.set(inode.number, path);
    const entry: TarEntry = first === undefined ? common : { ...common, type: "link", linkName: first };
    if (entry.type === "file") return this.#emitFile(entry, inode);
    if (inode.type === "character" && inode.union === 0) this.#sink.whiteout(entry);
    else this.#sink.member(entry);
    this.#sink.end();
    return undefined;
  }

  #emitFile(entry: TarEntry, inode: Inode): void {
    const { sizeBytes } = inode;
    const extents = extentsOf(this.#image, inode);
    const stored = extents.reduce((total, { length }) => total + length, 0);
    const sparse = extents.map(({ position, length }) => ({ offset: position, length }));
    this.#sink.member({ ...entry, sizeBytes, ...(stored < sizeBytes ? { sparse } : {}) });
    this.#sinkData(extents);
    this.#sink.end();
  }

  #entry(name: ByteName, inode: Inode): TarEntry {
    const { type, mode, uid, gid, modifiedNs } = inode;
    if (type === "socket") throw new Fault("internal", "Cannot read EROFS image: a socket is no member");
    const xattrs = readXattrs(this.#image, inode);
    xattrs.delete(opaque);
    const isDevice = type === "character" || type === "block";
    const device = isDevice ? deviceOf(inode) : { deviceMajor: 0, deviceMinor: 0 };
    const linkName = type === "symlink" ? this.#target(inode) : "";
    return { type, name, linkName, mode, uid, gid, sizeBytes: 0, modifiedNs, xattrs, ...device };
  }

  #target(inode: Inode): ByteName {
    if (inode.sizeBytes > maxPathBytes) throw damaged("a symlink is too long");
    const target = this.#bytesOf(inode).toString("latin1");
    if (target === "" || target.includes("\0")) throw damaged("a symlink is malformed");
    return target;
  }

  /** Of a directory. */
  #data(inode: Inode): Buffer {
    this.#directoryBytesLeft -= inode.sizeBytes;
    if (this.#directoryBytesLeft < 0) throw damaged("its directories are longer than itself");
    if (inode.sizeBytes > maxDirectoryBytes) throw damaged("a directory is too long");
    return this.#bytesOf(inode);
  }

  #bytesOf(inode: Inode): Buffer {
    const bytes = Buffer.alloc(inode.sizeBytes);
    for (const { position, length, place } of extentsOf(this.#image, inode))
      this.#image.read(place, length).copy(bytes, position);
    return bytes;
  }

  #sinkData(extents: readonly Extent[]): void {
    for (const { position, length, place } of extents) {
      let at = position;
      for (const piece of this.#image.pieces(place, length)) {
        this.#sink.data(piece, at);
        at += piece.length;
      }
    }
  }
}
