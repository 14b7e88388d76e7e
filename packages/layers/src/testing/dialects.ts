import { encodeHeader, endOfArchive, type NewTarEntry, paddingAfter, typeFlags } from "../tar/encoder.ts";
import { blockBytes, type SparseRegion } from "../tar/entry.ts";
import { writeNumber } from "../tar/numbers.ts";
import { writePax, xattrPrefix } from "../tar/pax.ts";

/* Archives of members that are each written in a dialect of tar of their own. */

export const dialects = [
  "pax",
  "gnu",
  "base256",
  "v7",
  "S",
  "sparse 0.0",
  "sparse 0.1",
  "sparse 1.0",
] as const;
export type Dialect = (typeof dialects)[number];

export interface DialectMember extends NewTarEntry {
  readonly dialect: Dialect;
  readonly data?: string;
  /** What of a file is data, and how long it is, in the sparse dialects; `data` is repeated to fill it. */
  readonly holes?: readonly { readonly hole: number; readonly length: number }[];
}

export function makeDialectTar(members: readonly DialectMember[]): Buffer {
  return Buffer.concat([...members.map(encodeMember), endOfArchive]);
}

function encodeMember(member: DialectMember): Buffer {
  const { dialect, data = "", ...entry } = member;
  const bytes = Buffer.from(entry.type === "file" ? data : "");
  if (entry.type === "file" && (dialect === "S" || dialect.startsWith("sparse"))) return encodeSparse(member);
  if (dialect === "v7" && canBeV7(entry)) return withData(rawHeader(entry, bytes.length, "v7"), bytes);
  if (dialect === "gnu" || dialect === "base256" || dialect === "v7")
    return Buffer.concat([longNames(entry), withData(rawHeader(entry, bytes.length, dialect), bytes)]);
  return withData(encodeHeader({ ...entry, sizeBytes: bytes.length }), bytes);
}

function withData(header: Buffer, bytes: Buffer): Buffer {
  return Buffer.concat([header, bytes, paddingAfter(bytes.length)]);
}

function canBeV7({ type, name, linkName = "" }: NewTarEntry): boolean {
  return (
    ["file", "directory", "link", "symlink"].includes(type) && name.length < 100 && linkName.length < 100
  );
}

function rawHeader(
  entry: NewTarEntry,
  sizeBytes: number,
  dialect: Dialect,
  type = typeFlags[entry.type],
): Buffer {
  const block = Buffer.alloc(blockBytes);
  const number = (value: number, start: number, length: number): void => {
    // What octal digits would do for may stand in base 256 as well.
    if (dialect === "base256") writeBase256(block, value, start, length);
    else writeNumber(block, value, start, length);
  };
  const isDirectory = entry.type === "directory" && dialect === "v7";
  block.write(isDirectory ? `${entry.name}/` : entry.name.slice(0, 100), 0, 100, "latin1");
  number(entry.mode ?? 0, 100, 8);
  number(entry.uid ?? 0, 108, 8);
  number(entry.gid ?? 0, 116, 8);
  number(sizeBytes, 124, 12);
  number(Number((entry.modifiedNs ?? 0n) / 1_000_000_000n), 136, 12);
  block.write(isDirectory ? "0" : type, 156, "latin1");
  block.write((entry.linkName ?? "").slice(0, 100), 157, 100, "latin1");
  if (dialect !== "v7" || !canBeV7(entry)) {
    block.write("ustar  \0", 257, "latin1");
    number(entry.deviceMajor ?? 0, 329, 8);
    number(entry.deviceMinor ?? 0, 337, 8);
  }
  return summed(block);
}

function writeBase256(block: Buffer, value: number, start: number, length: number): void {
  block.fill(value < 0 ? 0xff : 0, start, start + length);
  let rest = BigInt(value);
  for (let index = start + length - 1; index > start; index -= 1) {
    block[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[start] = value < 0 ? 0xff : 0x80;
}

function summed(block: Buffer): Buffer {
  block.write("        ", 148, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Makes the checksums right of all that looks like a header, whatever was changed in it. */
export function repairChecksums(archive: Buffer): void {
  for (let at = 0; at + blockBytes <= archive.length; at += blockBytes) {
    const block = archive.subarray(at, at + blockBytes);
    if (block.toString("latin1", 257, 262) === "ustar") summed(block);
  }
}

/** GNU's members before a member, with what its header is too short for. */
function longNames({ name, linkName = "" }: NewTarEntry): Buffer {
  const long = (type: "L" | "K", text: string): Buffer => {
    const bytes = Buffer.from(`${text}\0`, "latin1");
    return withData(rawHeader({ type: "file", name: "././@LongLink" }, bytes.length, "gnu", type), bytes);
  };
  return Buffer.concat([
    ...(name.length > 100 ? [long("L", name)] : []),
    ...(linkName.length > 100 ? [long("K", linkName)] : []),
  ]);
}

interface SparseContent {
  readonly regions: readonly SparseRegion[];
  readonly sizeBytes: number;
  readonly data: Buffer;
}

function contentOf({ data = "", holes = [] }: DialectMember): SparseContent {
  const regions: SparseRegion[] = [];
  let end = 0;
  for (const { hole, length } of holes) {
    if (length > 0) regions.push({ offset: end + hole, length });
    end += hole + length;
  }
  const stored = regions.reduce((total, { length }) => total + length, 0);
  return { regions, sizeBytes: end, data: Buffer.alloc(stored, data === "" ? "d" : data) };
}

function encodeSparse(member: DialectMember): Buffer {
  const content = contentOf(member);
  const { dialect, holes: _holes, data: _data, xattrs, ...entry } = member;
  if (dialect === "S") return Buffer.concat([longNames(entry), oldSparse(entry, content)]);
  const { regions, sizeBytes, data } = content;
  const numbers = regions.flatMap(({ offset, length }) => [offset, length]);
  const records = new Map<string, Uint8Array>([["path", Buffer.from(entry.name, "latin1")]]);
  for (const [name, value] of xattrs ?? []) records.set(xattrPrefix + name, value);
  if (dialect === "sparse 1.0") {
    records.set("GNU.sparse.major", Buffer.from("1")).set("GNU.sparse.minor", Buffer.from("0"));
    records.set("GNU.sparse.realsize", Buffer.from(String(sizeBytes)));
    const map = Buffer.from([regions.length, ...numbers].map((number) => `${number}\n`).join(""));
    return pax(records, entry, Buffer.concat([map, paddingAfter(map.length), data]));
  }
  records.set("GNU.sparse.size", Buffer.from(String(sizeBytes)));
  if (dialect === "sparse 0.1") records.set("GNU.sparse.map", Buffer.from(numbers.join(",")));
  const repeated = dialect === "sparse 0.0" ? regions.map(repeatedRecords) : [];
  return pax(records, entry, data, Buffer.concat(repeated));
}

function repeatedRecords({ offset, length }: SparseRegion): Buffer {
  const record = (name: string, value: number): Buffer =>
    writePax(new Map([[name, Buffer.from(String(value))]]));
  return Buffer.concat([record("GNU.sparse.offset", offset), record("GNU.sparse.numbytes", length)]);
}

function pax(
  records: ReadonlyMap<string, Uint8Array>,
  entry: NewTarEntry,
  data: Buffer,
  more: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.concat([writePax(records), more]);
  const header = rawHeader({ type: "file", name: "pax" }, bytes.length, "gnu", "x");
  return Buffer.concat([withData(header, bytes), withData(rawHeader(entry, data.length, "gnu"), data)]);
}

/** Four regions in the header, 21 in each block that follows it. */
function oldSparse(entry: NewTarEntry, { regions, sizeBytes, data }: SparseContent): Buffer {
  const header = rawHeader(entry, data.length, "gnu", "S");
  const write = (
    block: Buffer,
    start: number,
    some: readonly SparseRegion[],
    isLast: boolean,
    flag: number,
  ): void => {
    for (const [index, { offset, length }] of some.entries()) {
      writeNumber(block, offset, start + index * 24, 12);
      writeNumber(block, length, start + index * 24 + 12, 12);
    }
    block[flag] = isLast ? 0 : 1;
  };
  write(header, 386, regions.slice(0, 4), regions.length <= 4, 482);
  writeNumber(header, sizeBytes, 483, 12);
  const extensions: Buffer[] = [];
  for (let at = 4; at < regions.length; at += 21) {
    const block = Buffer.alloc(blockBytes);
    write(block, 0, regions.slice(at, at + 21), at + 21 >= regions.length, 504);
    extensions.push(block);
  }
  return Buffer.concat([summed(header), ...extensions, data, paddingAfter(data.length)]);
}
