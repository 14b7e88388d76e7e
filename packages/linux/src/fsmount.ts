import { MS } from "./mount-flags.ts";
import { systemCall } from "./system-call.ts";

// The new mount API. glibc has its functions since 2.36 only; their numbers are the same on every architecture
// that Node runs on, so they go through syscall(2).
const SYS = { open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, mount_setattr: 442 };
const AT_FDCWD = -100;

const fsopenCall = systemCall<[number, string, number]>(
  "long syscall(long, const char *, unsigned int)",
  "fsopen",
);
const fsconfigCall = systemCall<[number, number, number, string | null, string | null, number]>(
  "long syscall(long, int, unsigned int, const char *, const char *, int)",
  "fsconfig",
);
const fsmountCall = systemCall<[number, number, number, number]>(
  "long syscall(long, int, unsigned int, unsigned int)",
  "fsmount",
);
const moveMountCall = systemCall<[number, number, string, number, string, number]>(
  "long syscall(long, int, const char *, int, const char *, unsigned int)",
  "move_mount",
);
const openTreeCall = systemCall<[number, number, string, number]>(
  "long syscall(long, int, const char *, unsigned int)",
  "open_tree",
);
const mountSetattrCall = systemCall<[number, number, string, number, Uint8Array, number]>(
  "long syscall(long, int, const char *, unsigned int, const void *, size_t)",
  "mount_setattr",
);

/** fsopen(2): begins a mount of file system `type`. Returns a descriptor. */
export function fsopen(type: string): number {
  return fsopenCall(SYS.fsopen, type, 1);
}

/** fsconfig(2), FSCONFIG_SET_FLAG. */
export function fsconfigFlag(context: number, key: string): void {
  fsconfigCall(SYS.fsconfig, context, 0, key, null, 0);
}

/** fsconfig(2), FSCONFIG_SET_STRING. The kernel takes 255 bytes. */
export function fsconfigString(context: number, key: string, value: string): void {
  fsconfigCall(SYS.fsconfig, context, 1, key, value, 0);
}

/** fsconfig(2), FSCONFIG_SET_FD. */
export function fsconfigDescriptor(context: number, key: string, fd: number): void {
  fsconfigCall(SYS.fsconfig, context, 5, key, null, fd);
}

/** fsconfig(2), FSCONFIG_CMD_CREATE: makes the superblock. */
export function fsconfigCreate(context: number): void {
  fsconfigCall(SYS.fsconfig, context, 6, null, null, 0);
}

/** fsmount(2): a descriptor of the new mount, attached nowhere yet. `flags` are mount(2)'s. */
export function fsmount(context: number, flags = 0): number {
  return fsmountCall(SYS.fsmount, context, 1, mountAttributes(flags));
}

/** move_mount(2): attaches the mount behind `fd` at `target`. */
export function moveMount(fd: number, target: string): void {
  moveMountCall(SYS.move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}
const MOVE_MOUNT_F_EMPTY_PATH = 4;

/** open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path`, with those below it if `recursive`. */
export function cloneMount(path: string, recursive = false): number {
  return openTreeCall(SYS.open_tree, AT_FDCWD, path, 1 | 0o2000000 | (recursive ? 0x8000 : 0));
}

export interface MountAttributes {
  /** mount(2)'s flags to set and to clear. */
  readonly set?: number;
  readonly clear?: number;
  /** MS.PRIVATE, MS.SHARED, MS.SLAVE or MS.UNBINDABLE. */
  readonly propagation?: number;
  /** A user namespace, open, for an id-mapped mount. */
  readonly userNamespace?: number;
}

/** mount_setattr(2) on a mount's descriptor. Linux 5.12. */
export function setMountAttributes(fd: number, attributes: MountAttributes, recursive = false): void {
  const MOUNT_ATTR_IDMAP = 0x00100000;
  const mapped = attributes.userNamespace === undefined ? 0 : MOUNT_ATTR_IDMAP;
  const struct = Buffer.alloc(32);
  struct.writeBigUInt64LE(BigInt(mountAttributes(attributes.set ?? 0) | mapped), 0);
  struct.writeBigUInt64LE(BigInt(mountAttributes(attributes.clear ?? 0)), 8);
  struct.writeBigUInt64LE(BigInt(attributes.propagation ?? 0), 16);
  struct.writeBigUInt64LE(BigInt(attributes.userNamespace ?? 0), 24);
  const flags = AT_EMPTY_PATH | (recursive ? 0x8000 : 0);
  mountSetattrCall(SYS.mount_setattr, fd, "", flags, struct, struct.length);
}
const AT_EMPTY_PATH = 0x1000;

function mountAttributes(flags: number): number {
  const pairs: readonly [number, number][] = [
    [MS.RDONLY, 0x1],
    [MS.NOSUID, 0x2],
    [MS.NODEV, 0x4],
    [MS.NOEXEC, 0x8],
    [MS.NOATIME, 0x10],
    [MS.STRICTATIME, 0x20],
    [MS.NODIRATIME, 0x80],
    [MS.NOSYMFOLLOW, 0x200000],
  ];
  return pairs.reduce((bits, [flag, attribute]) => ((flags & flag) === 0 ? bits : bits | attribute), 0);
}
