import { Fault } from "@slipway/fault/fault";

/** What is wrong with an image that nobody can have meant so. */
export function damaged(why: string): Fault {
  return new Fault("data_loss", `Cannot read EROFS image: ${why}`);
}

/** A 64-bit number of the image, which has to be one that a file can have. */
export function readSize(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("a number is out of range");
  return Number(value);
}
