import { chmod, chown, lstat, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { during, Fault } from "@slipway/fault/fault";
import { answers } from "@slipway/linux/answers";
import { isSystemError } from "@slipway/linux/system-call";
import { makeDirectories } from "@slipway/linux/make-directories";
import type { SocketConfig } from "./config/config.ts";

/** unix(7): sun_path without its final null byte. */
const LONGEST_BYTES = 107;

/**
 * Makes room for a socket: its folder, and away with what a killed daemon left.
 * @throws {Fault} `failed_precondition` when something listens there, or it is no socket
 */
export async function prepareSocket(address: string): Promise<void> {
  const bytes = Buffer.byteLength(address);
  if (bytes > LONGEST_BYTES) {
    throw new Fault(
      "invalid_argument",
      `Cannot listen on "${address}": the path has ${bytes} bytes, and a socket's can have ${LONGEST_BYTES}`,
    );
  }
  try {
    makeDirectories(dirname(address), 0o711);
  } catch (error) {
    throw during(`listen on "${address}"`, error);
  }
  try {
    if (!(await lstat(address)).isSocket()) {
      throw new Fault("failed_precondition", `Cannot listen on "${address}": it is there and is no socket`);
    }
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  if (await answers(address)) {
    throw new Fault("failed_precondition", `Cannot listen on "${address}": another process does`);
  }
  await rm(address, { force: true });
}

/** Gives the socket to its owner. A group other than root's was configured to be let in. */
export async function ownSocket({ address, uid, gid }: SocketConfig): Promise<void> {
  await chown(address, uid, gid);
  await chmod(address, gid === 0 ? 0o600 : 0o660);
}
