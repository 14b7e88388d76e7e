import type { OnReadOpts } from "node:net";
import type { Duplex } from "node:stream";

// As much as is worth a turn of the event loop.
const bufferBytes = 1 << 18;
let buffer: Buffer | undefined;

/**
 * Makes a connection for node:http whose bytes are all read into one buffer, the same for all connections: its parser copies
 * what it gives out. Without that, each 64 KiB that come take memory of their own, and a download makes V8 collect the whole
 * heap every few megabytes (bench/pull.ts).
 */
export function readingIntoOneBuffer<Made extends Duplex | null | undefined>(
  connect: (onread: OnReadOpts) => Made,
): Made {
  buffer ??= Buffer.allocUnsafeSlow(bufferBytes);
  const callback: OnReadOpts["callback"] = (length, bytes) => {
    // Before a connection is returned nothing can have come over it.
    made?.emit("data", bytes.subarray(0, length));
    return true;
  };
  const made: Made = connect({ buffer, callback });
  return made;
}
