import { during, Fault } from "@slipway/fault/fault";
import { cleanName, leavesRoot, splitName } from "../apply/rooted-tree.ts";
import type { LayerLimits } from "../apply/layer-writer.ts";
import { opaqueMarker, whiteoutPrefix } from "../apply/whiteouts.ts";
import { type ByteName, toText } from "../bytes-name.ts";
import type { TarSink } from "../tar/decoder.ts";
import type { TarEntry } from "../tar/entry.ts";
import { maxNameBytes } from "./format.ts";
import { setNodeAttributes } from "./node-attributes.ts";
import { NodeTree } from "./node-tree.ts";
import {
  type Attributes,
  type DirectoryNode,
  type LayerNode,
  newAttributes,
  newDirectory,
  newFile,
  setXattr,
} from "./nodes.ts";

export interface LayerNodesOptions {
  readonly limits?: LayerLimits;
  /** Hears of what the rules do not allow, such as attributes of the namespace `trusted`. */
  readonly onIgnored?: (what: string) => void;
  /** What a directory that the layer leaves out has in the layers below. */
  readonly inherited?: (path: ByteName) => Partial<Attributes> | undefined;
}

const maxPathBytes = 4095;

/**
 * The tree that a layer's members make, in memory: name for name what LayerWriter makes of them on a disk for
 * overlayfs, with its whiteouts and opaque marks.
 */
export class LayerNodes implements TarSink {
  readonly #tree: NodeTree;
  readonly #limits: Required<LayerLimits>;
  readonly #onIgnored: (what: string) => void;
  readonly #guessed = new Set<LayerNode>();
  #bytes = 0;
  #entries = 0;

  constructor({ limits = {}, onIgnored = () => {}, inherited }: LayerNodesOptions) {
    this.#limits = {
      maxBytes: limits.maxBytes ?? Number.POSITIVE_INFINITY,
      maxEntries: limits.maxEntries ?? Number.POSITIVE_INFINITY,
    };
    this.#onIgnored = onIgnored;
    this.#tree = new NodeTree((directory, path) => {
      const known = inherited?.(path);
      if (known) Object.assign(directory, known);
      else this.#guessed.add(directory);
    });
  }

  /** Whether there are directories that neither the layer nor those below have told of. */
  get guessesDirectories(): boolean {
    return this.#guessed.size > 0;
  }

  get root(): DirectoryNode {
    return this.#tree.root;
  }

  entry(entry: TarEntry, dataOffset: number): void {
    this.#count(entry);
    try {
      this.#place(entry, dataOffset);
    } catch (error) {
      throw during(`apply "${toText(entry.name)}" of the layer`, error);
    }
  }

  #count({ sizeBytes }: TarEntry): void {
    this.#bytes += sizeBytes;
    this.#entries += 1;
    const { maxBytes, maxEntries } = this.#limits;
    if (this.#entries > maxEntries)
      throw new Fault("resource_exhausted", `Cannot apply layer: it has more than ${maxEntries} entries`);
    if (this.#bytes > maxBytes)
      throw new Fault("resource_exhausted", `Cannot apply layer: its files have more than ${maxBytes} bytes`);
  }

  #place(entry: TarEntry, dataOffset: number): void {
    if (leavesRoot(entry.name)) throw new Fault("invalid_argument", "it is outside of the layer's root");
    const name = cleanName(entry.name);
    if (name.length > maxPathBytes) throw new Fault("invalid_argument", "its name is too long");
    const base = baseOf(name);
    // The root's own attributes are the snapshotter's.
    if (base === "") return;
    if (!base.startsWith(whiteoutPrefix))
      return this.#create(this.#tree.parentOf(name), base, entry, dataOffset);
    // As LayerWriter: what a symlink points to is another directory's.
    if (this.#tree.hasSymlink(splitName(name)[0]))
      return this.#onIgnored(`whiteout "${toText(entry.name)}" below a symlink`);
    const directory = this.#tree.parentOf(name);
    if (base === opaqueMarker) return setOpaque(directory);
    return whiteOut(directory, base.slice(whiteoutPrefix.length), entry);
  }

  #create(directory: DirectoryNode, base: ByteName, entry: TarEntry, dataOffset: number): void {
    checkName(base);
    const there = directory.children.get(base);
    let node = this.#make(directory, base, entry, dataOffset);
    if (node !== there) {
      if (there) node = this.#replace(directory, base, entry, dataOffset);
      directory.children.set(base, node);
      if (entry.type === "link") node.links += 1;
    }
    setNodeAttributes(node, entry, this.#onIgnored);
    if (node.type === "directory" && this.#guessed.size > 0) this.#guessed.delete(node);
  }

  /** Directories are merged; anything else gives way. */
  #replace(directory: DirectoryNode, base: ByteName, entry: TarEntry, dataOffset: number): LayerNode {
    this.#tree.remove(directory, base);
    // What it is linked to may have been in what gave way.
    const node = this.#make(directory, base, entry, dataOffset);
    // What gave way, a whiteout or a file, hid what is below, which must not shine through now.
    if (node.type === "directory") setOpaque(node);
    return node;
  }

  #make(directory: DirectoryNode, base: ByteName, entry: TarEntry, dataOffset: number): LayerNode {
    const { type, linkName } = entry;
    switch (type) {
      case "file":
        return newFile(entry.sizeBytes, dataOffset, entry.sparse);
      case "directory": {
        const there = directory.children.get(base);
        return there?.type === "directory" ? there : newDirectory(directory);
      }
      case "symlink":
        if (linkName === "" || linkName.length > maxPathBytes)
          throw new Fault("invalid_argument", "its target is empty or too long");
        return { type, ...newAttributes(0o777), target: linkName };
      case "link":
        return this.#linked(linkName);
      case "fifo":
        return { type, ...newAttributes(0) };
      case "character":
      case "block":
        return { type, ...newAttributes(0), ...checkedDevice(entry.deviceMajor, entry.deviceMinor) };
    }
  }

  #linked(linkName: ByteName): LayerNode {
    if (leavesRoot(linkName))
      throw new Fault("invalid_argument", `its target "${toText(linkName)}" is outside of the layer's root`);
    const name = cleanName(linkName);
    const target = this.#tree.parentOf(name).children.get(baseOf(name));
    if (!target || target.type === "directory") {
      const why = target ? "it is a directory" : "no such file or directory";
      throw new Fault("invalid_argument", `cannot link it to "${toText(linkName)}": ${why}`);
    }
    return target;
  }
}

/** The name of the layers below is gone. What is there hides it already, a directory only when it is opaque. */
function whiteOut(directory: DirectoryNode, name: ByteName, entry: TarEntry): void {
  if (name === "" || name === "." || name === "..")
    throw new Fault("invalid_argument", "it is not a valid whiteout");
  checkName(name);
  const there = directory.children.get(name);
  if (there?.type === "directory") setOpaque(there);
  if (there) return;
  const node: LayerNode = { type: "character", ...newAttributes(0), major: 0, minor: 0 };
  setNodeAttributes(node, { ...entry, mode: 0, modifiedNs: 0n, xattrs: new Map() }, () => {});
  directory.children.set(name, node);
}

function setOpaque(directory: DirectoryNode): void {
  setXattr(directory, "trusted.overlay.opaque", Buffer.from("y"));
}

function baseOf(name: ByteName): ByteName {
  return name.slice(name.lastIndexOf("/") + 1);
}

function checkName(name: ByteName): void {
  if (name.length > maxNameBytes) throw new Fault("invalid_argument", "its name is too long");
}

function checkedDevice(major: number, minor: number): { major: number; minor: number } {
  if (major >= 0 && major < 1 << 12 && minor >= 0 && minor < 1 << 20) return { major, minor };
  throw new Fault("invalid_argument", `device number ${major}:${minor} is out of range`);
}
