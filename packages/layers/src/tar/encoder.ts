import { Fault } from "@slipway/fault/fault";
import { type ByteName, toPath } from "../bytes-name.ts";
import { blockBytes, padded, type TarEntry, type TarType } from "./entry.ts";
import { writeNumber } from "./numbers.ts";
import { writePax, xattrPrefix } from "./pax.ts";

/** What an archive's member needs; what is left out is zero or empty. */
export type NewTarEntry = Pick<TarEntry, "type" | "name"> & Partial<Omit<TarEntry, "sparse" | "accessedNs">>;

/** Two blocks of zeros. */
export const endOfArchive = Buffer.alloc(2 * blockBytes);

/** The zeros that follow data of that length. */
export function paddingAfter(sizeBytes: number): Buffer {
  return endOfArchive.subarray(0, padded(sizeBytes) - sizeBytes);
}

/**
 * The header of a member, byte for byte as Go's archive/tar writes it, so that a layer has the digest it would have
 * from containerd. Times are cut to seconds.
 */
export function encodeHeader(entry: NewTarEntry): Buffer {
  const { name, linkName = "", uid = 0, gid = 0, sizeBytes = 0, xattrs } = entry;
  const modified = secondsOf(entry.modifiedNs ?? 0n);
  if (name.includes("\0") || linkName.includes("\0"))
    throw new Fault("invalid_argument", "Cannot write tar: a name has a NUL");
  const records = new Map<string, Uint8Array>();
  const put = (key: string, value: string): unknown => records.set(key, Buffer.from(value, "latin1"));
  if (!fits(linkName)) put("linkpath", linkName);
  if (uid > maxOf(8)) put("uid", String(uid));
  if (gid > maxOf(8)) put("gid", String(gid));
  if (sizeBytes > maxOf(12)) put("size", String(sizeBytes));
  if (modified < 0 || modified > maxOf(12)) put("mtime", String(modified));
  for (const [key, value] of xattrs ?? []) records.set(xattrPrefix + key, value);

  const split = fits(name) ? (["", name] as const) : splitPath(name);
  if (records.size === 0 && split)
    return encodeBlock({ ...entry, prefix: split[0], name: split[1], modified });
  if (!fits(name)) put("path", name);
  const pax = writePax(records);
  const header = encodeBlock({ type: "pax", name: paxName(name), sizeBytes: pax.length });
  return Buffer.concat([header, pax, paddingAfter(pax.length), encodeBlock({ ...entry, modified })]);
}

interface Block extends Omit<NewTarEntry, "type" | "xattrs"> {
  readonly type: TarType | "pax";
  readonly prefix?: string;
  readonly modified?: number;
}

function encodeBlock(entry: Block): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, start: number, length: number): void =>
    writeNumber(block, value < 0 || value > maxOf(length) ? 0 : value, start, length);
  block.write(toAscii(entry.name), 0, 100, "latin1");
  octal(entry.mode ?? 0, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.sizeBytes ?? 0, 124, 12);
  octal(entry.modified ?? 0, 136, 12);
  block.write("        ", 148, "latin1");
  block.write(typeFlags[entry.type], 156, "latin1");
  block.write(toAscii(entry.linkName ?? ""), 157, 100, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  if (entry.type !== "pax") {
    octal(entry.deviceMajor ?? 0, 329, 8);
    octal(entry.deviceMinor ?? 0, 337, 8);
  }
  block.write(entry.prefix ?? "", 345, 155, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** The type flag of a header: ustar's, and that of pax records. */
export const typeFlags: Readonly<Record<TarType | "pax", string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
  pax: "x",
};

function maxOf(fieldLength: number): number {
  return 8 ** (fieldLength - 1) - 1;
}

function secondsOf(ns: bigint): number {
  return Number((ns - (((ns % second) + second) % second)) / second);
}
const second = 1_000_000_000n;

function fits(name: ByteName): boolean {
  return name.length <= 100 && toAscii(name).length === name.length;
}

// Go leaves out what is not ASCII: readers of records do not see this field.
function toAscii(name: ByteName): string {
  return typeof toPath(name) === "string" ? name : name.replaceAll(/[\u0080-\u00ff]/g, "");
}

/** Where a long name can be parted, into 155 and 100 bytes at most. */
function splitPath(name: ByteName): [prefix: string, name: string] | undefined {
  if (name.length <= 100 || toAscii(name).length !== name.length) return undefined;
  const end = Math.min(name.endsWith("/") ? name.length - 1 : name.length, 156);
  const at = name.lastIndexOf("/", end - 1);
  const rest = name.length - at - 1;
  return at <= 0 || rest > 100 || rest === 0 || at > 155
    ? undefined
    : [name.slice(0, at), name.slice(at + 1)];
}

function paxName(name: ByteName): string {
  const at = toAscii(name).replace(/\/+$/, "").lastIndexOf("/");
  const ascii = toAscii(name);
  const [directory, base] = name.endsWith("/")
    ? [ascii.replace(/\/+$/, ""), ""]
    : [ascii.slice(0, Math.max(at, 0)), ascii.slice(at + 1)];
  return [directory, "PaxHeaders.0", base].filter(Boolean).join("/");
}
