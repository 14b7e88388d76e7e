import { cString, type Path, systemCall } from "./system-call.ts";

// The family of calls that act below an open directory, so that no other process can move the ground under them.
type Text = string | Uint8Array;
const mkdirat = systemCall<[number, Text, number]>("int mkdirat(int, const char *, unsigned int)");
const symlinkat = systemCall<[Text, number, Text]>("int symlinkat(const char *, int, const char *)");
const linkat = systemCall<[number, Text, number, Text, number]>(
  "int linkat(int, const char *, int, const char *, int)",
);
const unlinkat = systemCall<[number, Text, number]>("int unlinkat(int, const char *, int)");
const renameat2 = systemCall<[number, Text, number, Text, number]>(
  "int renameat2(int, const char *, int, const char *, unsigned int)",
);
const fchownat = systemCall<[number, Text, number, number, number]>(
  "int fchownat(int, const char *, unsigned int, unsigned int, int)",
);
const fchmodat = systemCall<[number, Text, number, number]>(
  "int fchmodat(int, const char *, unsigned int, int)",
);
const readlinkat = systemCall<[number, Text, Uint8Array, number]>(
  "long readlinkat(int, const char *, void *, size_t)",
);

export const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;

export function mkdirAt(directory: number, path: Path, mode: number): void {
  mkdirat(directory, cString(path), mode);
}

export function symlinkAt(target: Path, directory: number, path: Path): void {
  symlinkat(cString(target), directory, cString(path));
}

/** A hard link; the last symlink of `from` is linked, not followed. */
export function linkAt(fromDirectory: number, from: Path, directory: number, path: Path): void {
  linkat(fromDirectory, cString(from), directory, cString(path), 0);
}

export function unlinkAt(directory: number, path: Path, options: { removeDirectory?: boolean } = {}): void {
  unlinkat(directory, cString(path), options.removeDirectory ? AT_REMOVEDIR : 0);
}

/** RENAME_* of renameat2(2). */
export const RENAME = { NOREPLACE: 1, EXCHANGE: 2, WHITEOUT: 4 } as const;

export function renameAt(fromDirectory: number, from: Path, directory: number, path: Path, flags = 0): void {
  renameat2(fromDirectory, cString(from), directory, cString(path), flags);
}

/** Changes the owner of a symlink itself, too. */
export function chownAt(directory: number, path: Path, uid: number, gid: number): void {
  fchownat(directory, cString(path), uid, gid, AT_SYMLINK_NOFOLLOW);
}

/** Follows a last symlink, as Linux has no other way: only for names known to be none. */
export function chmodAt(directory: number, path: Path, mode: number): void {
  fchmodat(directory, cString(path), mode, 0);
}

export function readlinkAt(directory: number, path: Path): Buffer {
  const target = Buffer.alloc(4096);
  return target.subarray(0, readlinkat(directory, cString(path), target, target.length));
}
