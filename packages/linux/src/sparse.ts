import { SystemError, systemCall } from "./system-call.ts";

const fallocate = systemCall<[fd: number, mode: number, offset: number | bigint, length: number | bigint]>(
  "int fallocate(int, int, int64_t, int64_t)",
);
const lseek = systemCall<[fd: number, offset: number | bigint, whence: number]>(
  "int64_t lseek(int, int64_t, int)",
);
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;

/** Reserves space; with `keepSize`, beyond the end as well without making the file longer. */
export function allocate(fd: number, offset: number, length: number, keepSize = false): void {
  fallocate(fd, keepSize ? KEEP_SIZE : 0, offset, length);
}

/** Gives the blocks in the range back; they read as zeros. */
export function punchHole(fd: number, offset: number, length: number): void {
  fallocate(fd, PUNCH_HOLE | KEEP_SIZE, offset, length);
}

/** Where data begins at or after `offset`; nothing when only holes follow. */
export function seekData(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_DATA);
}

/** Where a hole begins at or after `offset`: the end of the file counts as one. */
export function seekHole(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_HOLE);
}

function seek(fd: number, offset: number, whence: number): number | undefined {
  const result = lseek.raw(fd, offset, whence);
  if (result === -ENXIO) return undefined;
  if (result < 0) throw new SystemError(-result, "lseek");
  return result;
}
