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
  readonly regions?: readonly SparseRegion[];
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
  return { mode, uid: 0, gid: 0, modifiedNs: 0n, xattrs: undefined, links: 1 };
}

export function newDirectory(parent: DirectoryNode): DirectoryNode {
  const node = { type: "directory" as const, ...newAttributes(0o755), children: new Map(), parent };
  // As mkdir(2) below a directory with setgid.
  return (parent.mode & 0o2000) === 0 ? node : { ...node, mode: 0o2755, gid: parent.gid };
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
