import { Fault } from "@slipway/fault/fault";
import type { TarEntry, TarType } from "./entry.ts";
import type { TarHeader } from "./header.ts";
import { type PaxRecords, paxNumber, paxTime, xattrPrefix } from "./pax.ts";

/** The member that a header block and what stood before it describe. Pax goes before GNU, GNU before the block. */
export function toEntry(
  header: TarHeader,
  records: PaxRecords,
  longName?: string,
  longLink?: string,
): TarEntry {
  // Most members have none, and are read by the ten thousand.
  if (records.size > 0) return withRecords(header, records, longName, longLink);
  const name = longName ?? header.name;
  const type = typeOf(header.type, name);
  return {
    type,
    name,
    linkName: longLink ?? header.linkName,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    sizeBytes: type === "file" ? header.sizeBytes : 0,
    modifiedNs: BigInt(header.modified) * 1_000_000_000n,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: noXattrs,
  };
}

function withRecords(
  header: TarHeader,
  records: PaxRecords,
  longName: string | undefined,
  longLink: string | undefined,
): TarEntry {
  const bytesOf = (record: string): string | undefined => records.get(record)?.toString("latin1");
  const name = bytesOf("GNU.sparse.name") ?? bytesOf("path") ?? longName ?? header.name;
  const type = typeOf(header.type, name);
  const accessedNs = paxTime(records, "atime");
  const sizeBytes = paxNumber(records, "size") ?? header.sizeBytes;
  return {
    type,
    name,
    linkName: bytesOf("linkpath") ?? longLink ?? header.linkName,
    mode: header.mode,
    uid: paxNumber(records, "uid") ?? header.uid,
    gid: paxNumber(records, "gid") ?? header.gid,
    sizeBytes: type === "file" ? sizeBytes : 0,
    modifiedNs: paxTime(records, "mtime") ?? BigInt(header.modified) * 1_000_000_000n,
    ...(accessedNs === undefined ? {} : { accessedNs }),
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: xattrsOf(records),
  };
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

function xattrsOf(records: PaxRecords): ReadonlyMap<string, Uint8Array> {
  const found = [...records].filter(([name]) => name.startsWith(xattrPrefix));
  return new Map(found.map(([name, value]) => [name.slice(xattrPrefix.length), value]));
}

const types: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "link",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

function typeOf(flag: string, name: string): TarType {
  const type = types[flag];
  if (!type)
    throw new Fault("invalid_argument", `Cannot read tar: unhandled header type ${flag.charCodeAt(0)}`);
  // V7 has no type for directories.
  return type === "file" && name.endsWith("/") ? "directory" : type;
}
