import { SystemError, systemCall } from "./system-call.ts";

const flockCall = systemCall<[fd: number, operation: number]>("int flock(int, int)");
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const EWOULDBLOCK = 11;

/** flock(2), exclusive: false when another process holds the lock. Closing the descriptor gives it back. */
export function tryLock(fd: number): boolean {
  const result = flockCall.raw(fd, LOCK_EX | LOCK_NB);
  if (result === -EWOULDBLOCK) return false;
  if (result < 0) throw new SystemError(-result, "flock");
  return true;
}

/** flock(2), exclusive: waits on a thread until no other process holds the lock. */
export async function lock(fd: number): Promise<void> {
  await flockCall.async(fd, LOCK_EX);
}

/** flock(2), shared: waits on a thread until no other process holds the lock alone. */
export async function lockShared(fd: number): Promise<void> {
  if (flockCall.raw(fd, LOCK_SH | LOCK_NB) === 0) return;
  await flockCall.async(fd, LOCK_SH);
}

export function unlock(fd: number): void {
  flockCall(fd, LOCK_UN);
}
