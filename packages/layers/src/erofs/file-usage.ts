import type { LayerNode } from "./nodes.ts";

/** A block of the file systems that containers' layers are on. */
const diskBlockBytes = 4096;
/** Targets of symbolic links up to this are in the inode: ext4, https://docs.kernel.org/filesystems/ext4/ifork.html. */
const maxInlineTargetBytes = 59;

/**
 * What nodes take as files on ext4, as du(1) counts: clients add up what images take, and compare it with what another
 * containerd says, whose layers are files.
 */
export function filesBytesOf(inodes: readonly { readonly node: LayerNode }[]): number {
  let bytes = 0;
  for (const { node } of inodes) bytes += bytesOf(node);
  return bytes;
}

function bytesOf(node: LayerNode): number {
  switch (node.type) {
    case "file":
      if (!node.regions) return inBlocks(node.sizeBytes);
      return node.regions.reduce((sum, { length }) => sum + inBlocks(length), 0);
    case "directory":
      return diskBlockBytes;
    case "symlink":
      return node.target.length > maxInlineTargetBytes ? diskBlockBytes : 0;
    default:
      return 0;
  }
}

function inBlocks(bytes: number): number {
  return Math.ceil(bytes / diskBlockBytes) * diskBlockBytes;
}
