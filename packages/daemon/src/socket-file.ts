import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { answers } from "@slipway/linux/answers";
import { isSystemError } from "@slipway/linux/system-call";
import type { SocketConfig } from "./config/config.ts";

/**
 * Makes room for a socket: its folder, and away with what a killed daemon left.
 * @throws {Fault} `failed_precondition` when something listens there, or it is no socket
 */
export async function prepareSocket(address: string): Promise<void> {
  await mkdir(dirname(address), { recursive: true, mode: 0o711 });
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
