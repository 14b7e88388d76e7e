import { Fault } from "@slipway/fault/fault";
import { xattrPrefixes } from "../xattrs.ts";
import { damaged } from "./damage.ts";
import type { ImageBytes } from "./image-bytes.ts";
import type { Inode } from "./inode.ts";

const headerBytes = 12;
const entryBytes = 4;
// Names of a dictionary that the image would have.
const longPrefix = 0x80;

/** The extended attributes of an inode by full name. @throws {Fault} `data_loss` */
export function readXattrs(image: ImageBytes, { xattrOffset, endOffset }: Inode): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (endOffset === xattrOffset) return found;
  const bytes = image.read({ file: 0, offset: xattrOffset }, endOffset - xattrOffset);
  const shared = bytes[4] ?? 0;
  let at = headerBytes + 4 * shared;
  if (at > bytes.length) throw damaged("an inode has fewer shared attributes than it says");
  for (let index = 0; index < shared; index += 1) {
    const offset = image.layout.xattrOffset + 4 * bytes.readUInt32LE(headerBytes + 4 * index);
    const head = image.read({ file: 0, offset }, entryBytes);
    addEntry(found, image.read({ file: 0, offset }, lengthOf(head)));
  }
  while (at + entryBytes <= bytes.length) {
    const length = lengthOf(bytes.subarray(at));
    if (at + length > bytes.length) throw damaged("an attribute is longer than its inode says");
    addEntry(found, bytes.subarray(at, at + length));
    at += Math.ceil(length / 4) * 4;
  }
  return found;
}

function lengthOf(head: Buffer): number {
  return entryBytes + (head[0] ?? 0) + head.readUInt16LE(2);
}

function addEntry(found: Map<string, Uint8Array>, entry: Buffer): void {
  const nameEnd = entryBytes + (entry[0] ?? 0);
  const index = entry[1] ?? 0;
  if ((index & longPrefix) !== 0)
    throw new Fault("unimplemented", "Cannot read EROFS image: it abbreviates names of attributes");
  const prefix = xattrPrefixes.find(([, number]) => number === index)?.[0];
  const rest = entry.toString("utf8", entryBytes, nameEnd);
  if (prefix === undefined || rest.includes("\0")) throw damaged("an attribute has no valid name");
  found.set(prefix + rest, Uint8Array.from(entry.subarray(nameEnd)));
}
