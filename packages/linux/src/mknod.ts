import { cString, type Path, systemCall } from "./system-call.ts";

const mknodCall = systemCall<[path: string | Uint8Array, mode: number, device: number | bigint]>(
  "int mknod(const char *, unsigned int, unsigned long)",
);
const mknodatCall = systemCall<
  [directory: number, path: string | Uint8Array, mode: number, device: number | bigint]
>("int mknodat(int, const char *, unsigned int, unsigned long)");

/** File types for `mode` of mknod(2). */
export const S_IF = { FIFO: 0o010000, CHR: 0o020000, BLK: 0o060000, REG: 0o100000, SOCK: 0o140000 } as const;

/** mkfifo(3). The process's umask applies. */
export function mkfifo(path: Path, mode = 0o666): void {
  mknodCall(cString(path), S_IF.FIFO | mode, 0);
}

/** mknod(2). `mode` holds type and permissions, `device` comes from `makeDevice`. */
export function mknod(path: Path, mode: number, device: number | bigint = 0): void {
  mknodCall(cString(path), mode, device);
}

/** mknodat(2). */
export function mknodAt(directory: number, path: Path, mode: number, device: number | bigint = 0): void {
  mknodatCall(directory, cString(path), mode, device);
}

/** makedev(3). */
export function makeDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}

/** major(3) of a `dev` or `rdev`. */
export function majorOf(device: number | bigint): number {
  const value = BigInt(device);
  return Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn));
}

/** minor(3) of a `dev` or `rdev`. */
export function minorOf(device: number | bigint): number {
  const value = BigInt(device);
  return Number((value & 0xffn) | ((value >> 12n) & 0xffffff00n));
}
