import { openSync, closeSync, ftruncateSync, readFileSync, writeSync, constants } from "node:fs";
import { join } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { tryLock } from "@slipway/linux/flock";

/**
 * Takes the root for this process, until the lock is disposed of or the process ends. The file keeps the owner's pid.
 * @throws {Fault} `failed_precondition` naming the process that has it
 */
export function lockRoot(root: string): Disposable {
  const path = join(root, "slipwayd.lock");
  // Not opened with "w": a file that another process holds must keep its pid.
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (!tryLock(fd)) {
    closeSync(fd);
    const pid = readFileSync(path, "utf8").trim();
    throw new Fault(
      "failed_precondition",
      `Cannot use "${root}": the slipwayd with pid ${pid} is running on it`,
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`, 0);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
