import { cString, type Path, systemCall } from "./system-call.ts";

const lgetxattr = systemCall<
  [path: string | Uint8Array, name: string | Uint8Array, value: Uint8Array | null, size: number]
>("long lgetxattr(const char *, const char *, void *, size_t)");
const lsetxattr = systemCall<
  [path: string | Uint8Array, name: string, value: Uint8Array, size: number, flags: number]
>("int lsetxattr(const char *, const char *, const void *, size_t, int)");
const llistxattr = systemCall<[path: string | Uint8Array, list: Uint8Array | null, size: number]>(
  "long llistxattr(const char *, char *, size_t)",
);
const lremovexattr = systemCall<[path: string | Uint8Array, name: string]>(
  "int lremovexattr(const char *, const char *)",
);
const fsetxattr = systemCall<[fd: number, name: string, value: Uint8Array, size: number, flags: number]>(
  "int fsetxattr(int, const char *, const void *, size_t, int)",
);

const ENODATA = 61;
const ENOTSUP = 95;
const ERANGE = 34;

/** The attribute's value, or nothing when the file has none of that name. Does not follow a last symlink. */
export function getXattr(path: Path, name: string): Buffer | undefined {
  const file = cString(path);
  for (;;) {
    const size = lgetxattr.raw(file, name, null, 0);
    if (size === -ENODATA || size === -ENOTSUP) return undefined;
    const value = Buffer.alloc(Math.max(size, 1));
    const read = lgetxattr.raw(file, name, value, value.length);
    // It grew in between.
    if (read === -ERANGE) continue;
    if (read < 0) lgetxattr(file, name, value, value.length);
    return value.subarray(0, read);
  }
}

/** Sets an attribute. Does not follow a last symlink. */
export function setXattr(path: Path, name: string, value: Uint8Array): void {
  lsetxattr(cString(path), name, value, value.length, 0);
}

/** fsetxattr(2): by descriptor. */
export function setXattrOf(fd: number, name: string, value: Uint8Array): void {
  fsetxattr(fd, name, value, value.length, 0);
}

/** The names of all attributes; none where the file system has no attributes. */
export function listXattrs(path: Path): string[] {
  const file = cString(path);
  for (;;) {
    const size = llistxattr.raw(file, null, 0);
    if (size === 0 || size === -ENOTSUP) return [];
    const list = Buffer.alloc(Math.max(size, 1));
    const read = llistxattr.raw(file, list, list.length);
    if (read === -ERANGE) continue;
    if (read < 0) llistxattr(file, list, list.length);
    return list.toString("utf8", 0, read).split("\0").filter(Boolean);
  }
}

/** Removes an attribute; it is an error (ENODATA) when there is none. */
export function removeXattr(path: Path, name: string): void {
  lremovexattr(cString(path), name);
}
