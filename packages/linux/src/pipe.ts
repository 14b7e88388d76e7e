import { systemCall } from "./system-call.ts";

const pipe2 = systemCall<[ends: Uint8Array, flags: number]>("int pipe2(void *, int)");
const O_CLOEXEC = 0o2000000;

/** pipe2(2): both ends are closed on exec. */
export function makePipe(): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  pipe2(ends, O_CLOEXEC);
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}
