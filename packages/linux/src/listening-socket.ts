import { chmodSync, closeSync } from "node:fs";
import { systemCall } from "./system-call.ts";
import { AF_UNIX, unixAddress } from "./unix-address.ts";

const socketCall = systemCall<[domain: number, type: number, protocol: number]>("int socket(int, int, int)");
const bindCall = systemCall<[fd: number, address: Uint8Array, size: number]>(
  "int bind(int, const void *, unsigned int)",
);
const listenCall = systemCall<[fd: number, backlog: number]>("int listen(int, int)");
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const BACKLOG = 4096;

/**
 * A descriptor that listens at `path`, for its owner alone: to be handed to a child that will accept. Node's own
 * servers accept themselves, and remove the path when they are closed.
 */
export function listeningSocket(path: string): Disposable & { readonly fd: number } {
  const fd = socketCall(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    const address = unixAddress(path);
    bindCall(fd, address, address.length);
    chmodSync(path, 0o600);
    listenCall(fd, BACKLOG);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
