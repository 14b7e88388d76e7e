import { Fault } from "@slipway/fault/fault";

/*
 * POSIX access lists as extended attributes carry them: a version, then tag, permissions and id of each entry.
 * Defined by the kernel's include/uapi/linux/posix_acl_xattr.h.
 */

export const accessAcl = "system.posix_acl_access";
export const defaultAcl = "system.posix_acl_default";
const version = 2;
const entryBytes = 8;
const TAG = { USER_OBJ: 1, USER: 2, GROUP_OBJ: 4, GROUP: 8, MASK: 16, OTHER: 32 } as const;

/**
 * What the kernel keeps of an access list in a file whose mode is set afterwards: the mode's bits stand in the list.
 * @returns nothing when the list says no more than a mode
 * @throws {Fault} `invalid_argument`
 */
export function withMode(acl: Uint8Array, mode: number): Uint8Array | undefined {
  checkAcl(acl);
  const list = Buffer.from(acl);
  const tags = tagsOf(list);
  if (tags.every((tag) => tag === TAG.USER_OBJ || tag === TAG.GROUP_OBJ || tag === TAG.OTHER))
    return undefined;
  const group = tags.includes(TAG.MASK) ? TAG.MASK : TAG.GROUP_OBJ;
  for (const [index, tag] of tags.entries()) {
    const shift = tag === TAG.USER_OBJ ? 6 : tag === group ? 3 : tag === TAG.OTHER ? 0 : undefined;
    if (shift !== undefined) list.writeUInt16LE((mode >> shift) & 7, 4 + index * entryBytes + 2);
  }
  return list;
}

/** @throws {Fault} `invalid_argument` */
export function checkAcl(acl: Uint8Array): void {
  const list = Buffer.from(acl.buffer, acl.byteOffset, acl.byteLength);
  const isWhole =
    list.length >= 4 && (list.length - 4) % entryBytes === 0 && list.readUInt32LE(0) === version;
  const known: readonly number[] = Object.values(TAG);
  if (!isWhole || !tagsOf(list).every((tag) => known.includes(tag)))
    throw new Fault("invalid_argument", "its access list is malformed");
}

function tagsOf(list: Buffer): number[] {
  return Array.from({ length: (list.length - 4) / entryBytes }, (_, index) =>
    list.readUInt16LE(4 + index * entryBytes),
  );
}
