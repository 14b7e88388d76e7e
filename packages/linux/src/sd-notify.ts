import { closeSync } from "node:fs";
import { systemCall } from "./system-call.ts";
import { AF_UNIX, unixAddress } from "./unix-address.ts";

const socketCall = systemCall<[domain: number, type: number, protocol: number]>("int socket(int, int, int)");
// koffi has no ssize_t; on 64-bit Linux it is a long.
const sendtoCall = systemCall<
  [fd: number, message: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number]
>("long sendto(int, const void *, size_t, int, const void *, unsigned int)");

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends the service manager a state such as `READY=1`, as sd_notify(3) describes. Does nothing if no manager asked
 * (`NOTIFY_SOCKET` is not set). A name that begins with `@` is in the abstract namespace.
 * @throws {SystemError} if nobody receives there
 */
export function notifyServiceManager(state: string, address = process.env["NOTIFY_SOCKET"]): void {
  if (address === undefined || address === "") return;
  const name = address.startsWith("@") ? abstractAddress(address.slice(1)) : unixAddress(address);
  const fd = socketCall(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const message = Buffer.from(state);
    sendtoCall(fd, message, message.length, MSG_NOSIGNAL, name, name.length);
  } finally {
    closeSync(fd);
  }
}

/** unix(7): a null byte, and a name that has no final one. */
function abstractAddress(name: string): Buffer {
  const address = unixAddress(`\0${name}`);
  return address.subarray(0, address.length - 1);
}
