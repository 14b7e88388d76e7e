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
  const first = look(fd);
  const word = first === "byte" ? Promise.resolve(true) : heard(fd, ended);
  void word.finally(() => closeSync(fd));
  // One that waits in open(2) goes on as soon as we have opened: its word needs a reader, and nobody who waits for it.
  const isReleased = first === "writer" || (await word);
  if (isReleased) unlinkSync(path);
  return isReleased;
}

/** Resolves with whether the init said its word before it ended. */
async function heard(fd: number, ended: Promise<unknown>): Promise<boolean> {
  const readable = Promise.withResolvers<void>();
  const stop = onReadable(fd, readable.resolve);
  // Its end may be told before its word was heard.
  await Promise.race([readable.promise, ended]);
  stop();
  return look(fd) === "byte";
}

/** What is in the FIFO, or whether anybody has it open for writing. */
function look(fd: number): "byte" | "writer" | "nobody" {
  try {
    return readSync(fd, Buffer.alloc(1)) > 0 ? "byte" : "nobody";
  } catch (error) {
    if (isSystemError(error, "EAGAIN")) return "writer";
    throw error;
  }
}
