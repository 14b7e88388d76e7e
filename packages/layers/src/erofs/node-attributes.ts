import { Fault } from "@slipway/fault/fault";
import { boundedTime } from "../apply/attributes.ts";
import type { TarEntry } from "../tar/entry.ts";
import { type LayerNode, setXattr } from "./nodes.ts";
import { accessAcl, checkAcl, defaultAcl, withMode } from "./posix-acl.ts";

const maxId = 0xffff_ffff;

/** Gives a node what its entry says, such that it is as a file system would have it after chown, setxattr and chmod. */
export function setNodeAttributes(node: LayerNode, entry: TarEntry, onIgnored: (what: string) => void): void {
  node.uid = ownerOf("user", entry.uid, node.uid);
  node.gid = ownerOf("group", entry.gid, node.gid);
  // A new owner takes a program's capabilities away.
  if (node.type !== "directory") node.xattrs?.delete("security.capability");
  if (entry.xattrs.size > 0)
    for (const [name, value] of entry.xattrs) setNodeXattr(node, name, value, onIgnored);
  if (node.type !== "symlink") {
    node.mode = entry.mode;
    if (node.xattrs) chmodAcl(node);
  }
  node.modifiedNs = boundedTime(entry.modifiedNs);
}

// The last number is chown's word for "as it is".
function ownerOf(whose: string, id: number, known: number): number {
  if (id >= 0 && id < maxId) return id;
  if (id === maxId) return known;
  throw new Fault("invalid_argument", `its ${whose} id ${id} is out of range`);
}

function setNodeXattr(
  node: LayerNode,
  name: string,
  value: Uint8Array,
  onIgnored: (what: string) => void,
): void {
  const isTree = node.type === "file" || node.type === "directory";
  const isAcl = name === accessAcl || name === defaultAcl;
  // Those of "trusted" are the kernel's own words to itself: a layer that brings some could redirect an overlay.
  if (
    (name.startsWith("user.") && isTree) ||
    name.startsWith("security.") ||
    (isAcl && node.type !== "symlink")
  ) {
    if (isAcl) checkAcl(value);
    if (name === defaultAcl && node.type !== "directory")
      throw new Fault("invalid_argument", `it cannot have the extended attribute ${name}`);
    setXattr(node, name, Uint8Array.from(value));
  } else onIgnored(`extended attribute ${name}`);
}

function chmodAcl(node: LayerNode): void {
  const acl = node.xattrs?.get(accessAcl);
  if (!acl) return;
  const kept = withMode(acl, node.mode);
  if (kept) node.xattrs?.set(accessAcl, kept);
  else node.xattrs?.delete(accessAcl);
}
