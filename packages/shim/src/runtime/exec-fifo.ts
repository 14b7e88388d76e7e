import { closeSync, constants, openSync, readSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { onReadable } from "@slipway/linux/system-call";

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
  const answer = Promise.withResolvers<boolean>();
  let isAnswered = false;
  const look = (): void => {
    if (!isAnswered) answer.resolve(hasByte(fd));
    isAnswered = true;
  };
  const stop = onReadable(fd, look);
  // Its end may be told before its word was heard.
  void ended.then(look);
  try {
    const isReleased = await answer.promise;
    if (isReleased) unlinkSync(path);
    return isReleased;
  } finally {
    stop();
    closeSync(fd);
  }
}

function hasByte(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch {
    return false;
  }
}
