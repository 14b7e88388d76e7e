import { closeSync, openSync } from "node:fs";
import { SystemError, systemCall } from "./system-call.ts";

const ioctlNumber = systemCall<[fd: number, request: number, argument: number]>(
  "int ioctl(int, unsigned long, long)",
);
const ioctlStruct = systemCall<[fd: number, request: number, argument: Uint8Array]>(
  "int ioctl(int, unsigned long, void *)",
);
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const EBUSY = 16;

/** A loop device that is open: it goes when the last that has it open, or mounted, is done. */
export interface LoopDevice extends Disposable {
  /** Such as `/dev/loop0`. */
  readonly path: string;
}

/** What the device counts in: a file system's blocks are no smaller. */
const BLOCK_BYTES = 512;

/** Makes a loop device of a file, loop(4): a read-only one unless told. Linux 5.8 and later. */
export function attachLoop(
  file: string,
  { isReadOnly = true }: { readonly isReadOnly?: boolean } = {},
): LoopDevice {
  const control = openSync("/dev/loop-control", "r+");
  const access = isReadOnly ? "r" : "r+";
  const backing = openSync(file, access);
  try {
    for (;;) {
      const path = `/dev/loop${ioctlNumber(control, LOOP_CTL_GET_FREE, 0)}`;
      const device = openSync(path, access);
      const result = ioctlStruct.raw(device, LOOP_CONFIGURE, loopConfig(backing, isReadOnly));
      if (result === 0) return { path, [Symbol.dispose]: () => closeSync(device) };
      closeSync(device);
      // Somebody else was faster.
      if (result !== -EBUSY) throw new SystemError(-result, "ioctl", [path]);
    }
  } finally {
    closeSync(backing);
    closeSync(control);
  }
}

/** struct loop_config of include/uapi/linux/loop.h. */
function loopConfig(backing: number, isReadOnly: boolean): Buffer {
  const config = Buffer.alloc(304);
  config.writeUInt32LE(backing, 0);
  config.writeUInt32LE(BLOCK_BYTES, 4);
  // struct loop_info64 begins at 8, its flags stand at 52.
  config.writeUInt32LE((isReadOnly ? LO_FLAGS_READ_ONLY : 0) | LO_FLAGS_AUTOCLEAR, 8 + 52);
  return config;
}
