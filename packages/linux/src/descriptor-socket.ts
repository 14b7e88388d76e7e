import { closeSync } from "node:fs";
import { addressOf, systemCall } from "./system-call.ts";
import { AF_UNIX, unixAddress } from "./unix-address.ts";

const socketCall = systemCall<[domain: number, type: number, protocol: number]>("int socket(int, int, int)");
const bindCall = systemCall<[fd: number, address: Uint8Array, size: number]>(
  "int bind(int, const void *, unsigned int)",
);
const listenCall = systemCall<[fd: number, backlog: number]>("int listen(int, int)");
const connectCall = systemCall<[fd: number, address: Uint8Array, size: number]>(
  "int connect(int, const void *, unsigned int)",
);
const acceptCall = systemCall<[fd: number, address: null, size: null, flags: number]>(
  "int accept4(int, void *, void *, int)",
);
const recvmsgCall = systemCall<[fd: number, message: Uint8Array, flags: number]>(
  "long recvmsg(int, void *, int)",
);
const sendmsgCall = systemCall<[fd: number, message: Uint8Array, flags: number]>(
  "long sendmsg(int, const void *, int)",
);

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/**
 * A unix socket at `path` to which one peer sends one open file (SCM_RIGHTS), as OCI runtimes send a console.
 * What was sent waits in the kernel, so `receive` is called when the runtime has returned, and does not block.
 */
export class DescriptorSocket implements Disposable {
  readonly #fd: number;

  constructor(path: string) {
    const address = unixAddress(path);
    this.#fd = socketCall(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    try {
      bindCall(this.#fd, address, address.length);
      listenCall(this.#fd, 1);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** The descriptor that the peer sent. Throws EAGAIN when none came, EPROTO when the message held none. */
  receive(): number {
    const connection = acceptCall(this.#fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
    try {
      return receiveDescriptor(connection);
    } finally {
      closeSync(connection);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** recvmsg(2) on a connected unix socket: the one descriptor in the message. */
export function receiveDescriptor(connection: number): number {
  const message = new Message();
  recvmsgCall(connection, message.header, MSG_CMSG_CLOEXEC);
  return message.descriptor();
}

/** Connects to the socket at `path` and sends `fd`: what a runtime does. */
export function sendDescriptor(path: string, fd: number): void {
  const connection = socketCall(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    const address = unixAddress(path);
    connectCall(connection, address, address.length);
    sendmsgCall(connection, new Message(fd).header, 0);
  } finally {
    closeSync(connection);
  }
}

// struct msghdr with one iovec and room for one descriptor, in the layout of 64-bit Linux.
class Message {
  readonly header = Buffer.alloc(56);
  readonly #data = Buffer.alloc(4096);
  readonly #vector = Buffer.alloc(16);
  readonly #control = Buffer.alloc(24);

  constructor(fd?: number) {
    this.#vector.writeBigUInt64LE(addressOf(this.#data), 0);
    this.#vector.writeBigUInt64LE(fd === undefined ? BigInt(this.#data.length) : 1n, 8);
    this.header.writeBigUInt64LE(addressOf(this.#vector), 16);
    this.header.writeBigUInt64LE(1n, 24);
    this.header.writeBigUInt64LE(addressOf(this.#control), 32);
    this.header.writeBigUInt64LE(BigInt(this.#control.length), 40);
    if (fd === undefined) return;
    this.#control.writeBigUInt64LE(20n, 0);
    this.#control.writeInt32LE(SOL_SOCKET, 8);
    this.#control.writeInt32LE(SCM_RIGHTS, 12);
    this.#control.writeInt32LE(fd, 16);
  }

  descriptor(): number {
    const size = this.header.readBigUInt64LE(40);
    const [level, type] = [this.#control.readInt32LE(8), this.#control.readInt32LE(12)];
    if (size < 20n || level !== SOL_SOCKET || type !== SCM_RIGHTS) {
      throw new Error("Cannot receive a file descriptor: the message holds none");
    }
    return this.#control.readInt32LE(16);
  }
}
