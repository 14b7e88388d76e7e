import { closeSync, constants, openSync } from "node:fs";
import { dirname } from "node:path";
import { lock, lockShared, tryLock } from "@slipway/linux/flock";
import { makeDirectories } from "@slipway/linux/make-directories";

/** A lock among processes, which the kernel releases when its holder ends. */
export interface HeldLock extends Disposable {
  readonly fd: number;
}

/** Waits until the lock of a file, which is created unless it exists, is acquired: alone, or with others. */
export async function lockFile(path: string, how: "alone" | "shared"): Promise<HeldLock> {
  makeDirectories(dirname(path), 0o700);
  return await lockOpened(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600), how);
}

/** Waits until the lock of a directory is acquired alone. */
export async function lockDirectory(path: string): Promise<HeldLock> {
  return await lockOpened(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), "alone");
}

async function lockOpened(fd: number, how: "alone" | "shared"): Promise<HeldLock> {
  try {
    if (how === "shared") await lockShared(fd);
    else if (!tryLock(fd)) await lock(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
