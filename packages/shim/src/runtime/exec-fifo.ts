import { closeSync, constants, openSync, readSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { isSystemError, onReadable } from "@slipway/linux/system-call";

/**
 * Does what `runc start` does, without the program: a created container's init blocks until someone reads the
 * FIFO in its state directory, and the container counts as started when that FIFO is gone. Hooks of "poststart"
 * belong to create in runc. False when this is not runc, or when the init did not answer: then ask the runtime.
 * https://github.com/opencontainers/runc/blob/main/libcontainer/container_linux.go, Exec
 */
export async function releaseInit(
  runtime: { readonly binary: string; readonly root: string },
  id: string,
  ended: Promise<unknown>,
): Promise<boolean> {
  if (basename(runtime.binary) !== "runc") return false;
  const path = join(runtime.root, id, "exec.fifo");
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    // Also one that waits in open(2), and goes on as soon as we have opened, has to be heard: should this process be killed
    // before, its word would have no reader, and it would die of that.
    const isReleased = hasWord(fd) || (await heard(fd, ended));
    if (isReleased) unlinkSync(path);
    return isReleased;
  } finally {
    closeSync(fd);
  }
}

/** Resolves with whether the init said its word before it ended. */
async function heard(fd: number, ended: Promise<unknown>): Promise<boolean> {
  const readable = Promise.withResolvers<void>();
  const stop = onReadable(fd, readable.resolve);
  // Its end may be told before its word was heard.
  await Promise.race([readable.promise, ended]);
  stop();
  return hasWord(fd);
}

/** Takes the init's word, if it is there. */
function hasWord(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch (error) {
    if (isSystemError(error, "EAGAIN")) return false;
    throw error;
  }
}
