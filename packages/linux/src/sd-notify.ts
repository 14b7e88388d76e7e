import { closeSync } from "node:fs";
import { systemCall } from "./system-call.ts";

const socketCall = systemCall<[domain: number, type: number, protocol: number]>("int socket(int, int, int)");
const sendtoCall = systemCall<
  [fd: number, message: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number]
>("ssize_t sendto(int, const void *, size_t, int, const void *, uint32_t)");

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * Tells the service manager a state such as `READY=1`, as sd_notify(3) describes. Does nothing when no manager asked
 * (`NOTIFY_SOCKET` is not set). A name that begins with `@` is of the abstract kind.
 */
export function notifyServiceManager(state: string, address = process.env["NOTIFY_SOCKET"]): void {
  if (address === undefined || address === "") return;
  const path = Buffer.from(address.startsWith("@") ? `\0${address.slice(1)}` : address);
  const name = Buffer.alloc(2 + path.length);
  name.writeUInt16LE(AF_UNIX, 0);
  path.copy(name, 2);
  const fd = socketCall(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const message = Buffer.from(state);
    sendtoCall(fd, message, message.length, MSG_NOSIGNAL, name, name.length);
  } finally {
    closeSync(fd);
  }
}
