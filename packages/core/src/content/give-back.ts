// What may stand around a blob's bytes in the message that brought them.
const envelopeBytes = 4096;
// Smaller memory may be one of a pool, with other messages in it.
const maxSharedBytes = 1 << 16;

/**
 * Gives the memory of written bytes back at once, if it is all theirs. V8 counts what uploads and downloads leave behind,
 * and would collect the whole heap every few megabytes to be rid of it (bench/pull.ts).
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return;
  const isOwn =
    byteLength === buffer.byteLength ||
    (byteLength > maxSharedBytes && buffer.byteLength - byteLength <= envelopeBytes);
  if (isOwn) buffer.transfer(0);
}
