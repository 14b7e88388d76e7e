import type { ByteName } from "../bytes-name.ts";
import type { SparseRegion } from "../tar/entry.ts";

/** What an inode says beside its data. Several names may have one. */
export interface Attributes {
  /** The permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  modifiedNs: bigint;
  xattrs: Map<string, Uint8Array> | undefined;
  /** Names; of a directory it is counted when it is written. */
  links: number;
  /** Among the inodes of the image, in their order there; nothing before it has a place. */
  index: number;
}

export interface DirectoryNode extends Attributes {
  readonly type: "directory";
  readonly children: Map<ByteName, LayerNode>;
  /** Itself for the root. */
  readonly parent: DirectoryNode;
}
export interface FileNode extends Attributes {
  readonly type: "file";
  readonly sizeBytes: number;
  /** Where its data begins in the tar. */
  readonly dataOffset: number;
  /** What the data is, one after the other; all of the file unless told. */
  readonly regions: readonly SparseRegion[] | undefined;
}
export interface SymlinkNode extends Attributes {
  readonly type: "symlink";
  readonly target: ByteName;
}
export interface DeviceNode extends Attributes {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}
interface FifoNode extends Attributes {
  readonly type: "fifo";
}

/** What a layer has under a name. */
export type LayerNode = DirectoryNode | FileNode | SymlinkNode | DeviceNode | FifoNode;

/** What a node begins with, until its entry says more. */
export function newAttributes(mode: number): Attributes {
  return { mode, uid: 0, gid: 0, modifiedNs: 0n, xattrs: undefined, links: 1, index: -1 };
}

// Those of which there are tens of thousands are written out: spreading takes several times as long.

export function newFile(
  sizeBytes: number,
  dataOffset: number,
  regions: readonly SparseRegion[] | undefined,
): FileNode {
  return {
    type: "file",
    mode: 0,
    uid: 0,
    gid: 0,
    modifiedNs: 0n,
    xattrs: undefined,
    links: 1,
    index: -1,
    sizeBytes,
    dataOffset,
    regions,
  };
}

export function newDirectory(parent: DirectoryNode): DirectoryNode {
  // As mkdir(2) below a directory with setgid.
  const isSetGid = (parent.mode & 0o2000) !== 0;
  return {
    type: "directory",
    mode: isSetGid ? 0o2755 : 0o755,
    uid: 0,
    gid: isSetGid ? parent.gid : 0,
    modifiedNs: 0n,
    xattrs: undefined,
    links: 1,
    index: -1,
    children: new Map(),
    parent,
  };
}

export function newRoot(): DirectoryNode {
  const root = {
    type: "directory" as const,
    ...newAttributes(0o755),
    children: new Map<ByteName, LayerNode>(),
  };
  return Object.assign(root, { parent: root as unknown as DirectoryNode });
}

export function setXattr(node: LayerNode, name: string, value: Uint8Array): void {
  node.xattrs ??= new Map();
  node.xattrs.set(name, value);
}
