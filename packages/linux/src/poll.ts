import { systemCall } from "./system-call.ts";

const poll = systemCall<[fds: Uint8Array, count: number, timeout: number]>(
  "int poll(void *, unsigned long, int)",
);
const POLLIN = 0x1;
const POLLHUP = 0x10;

/** What poll(2) says of a descriptor at this moment. */
export interface Readiness {
  /** There is something to read. */
  readonly isReadable: boolean;
  /** Of a pipe's reading end: nobody holds a writing end. */
  readonly isHungUp: boolean;
}

/** Asks, without waiting. */
export function readinessOf(fd: number): Readiness {
  const struct = Buffer.alloc(8);
  struct.writeInt32LE(fd, 0);
  struct.writeInt16LE(POLLIN, 4);
  poll(struct, 1, 0);
  const events = struct.readInt16LE(6);
  return { isReadable: (events & POLLIN) !== 0, isHungUp: (events & POLLHUP) !== 0 };
}
