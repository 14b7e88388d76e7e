import { cString, type Path, systemCall } from "./system-call.ts";

const SYS_openat2 = 437;
const call = systemCall<[number, number, string | Uint8Array, Uint8Array, number]>(
  "long syscall(long, int, const char *, const void *, size_t)",
  "openat2",
);

/** RESOLVE_* of openat2(2). */
export const RESOLVE = {
  NO_XDEV: 1,
  NO_MAGICLINKS: 2,
  NO_SYMLINKS: 4,
  BENEATH: 8,
  IN_ROOT: 0x10,
} as const;

export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;

/**
 * openat2(2): opens `path` below the open directory. With `RESOLVE.IN_ROOT` that directory is "/" to every
 * symlink and "..", so nothing in a hostile tree leads outside. Linux 5.6.
 */
export function openAt(
  directory: number,
  path: Path,
  flags: number,
  options: { mode?: number; resolve: number },
): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(options.mode ?? 0), 8);
  how.writeBigUInt64LE(BigInt(options.resolve), 16);
  return call(SYS_openat2, directory, cString(path), how, how.length);
}
