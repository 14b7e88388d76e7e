import { Fault } from "@slipway/fault/fault";

// A name is written without what it begins with, longest first; the kernel's fs/erofs/erofs_fs.h.
export const xattrPrefixes = [
  ["system.posix_acl_access", 2],
  ["system.posix_acl_default", 3],
  ["security.", 6],
  ["trusted.", 4],
  ["user.", 1],
] as const;
const headerBytes = 12;
const maxShared = 255;

/** Attributes behind an inode: entries that others have as well stand once, in a table, and go by their place there. */
export class XattrTable {
  readonly #seen = new Map<string, { readonly entry: Buffer; count: number; place: number | undefined }>();
  readonly #table: Buffer[] = [];
  #tableBytes = 0;

  /** Counts a node's attributes; to be called for each before the first size is asked for. */
  count(xattrs: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, value] of xattrs) {
      const entry = encodeEntry(name, value);
      const known = this.#seen.get(keyOf(entry));
      if (known) known.count += 1;
      else this.#seen.set(keyOf(entry), { entry, count: 1, place: undefined });
    }
  }

  /** What stands behind the node's inode. */
  encode(xattrs: ReadonlyMap<string, Uint8Array>): Buffer {
    const all = [...xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (all.length === 0) return noXattrs;
    const places: number[] = [];
    const own: Buffer[] = [];
    for (const [name, value] of all) {
      const entry = encodeEntry(name, value);
      const place = places.length < maxShared ? this.#placeOf(entry) : undefined;
      if (place === undefined) own.push(entry);
      else places.push(place);
    }
    const header = Buffer.alloc(headerBytes + 4 * places.length);
    header[4] = places.length;
    for (const [index, place] of places.entries()) header.writeUInt32LE(place, headerBytes + 4 * index);
    const whole = Buffer.concat([header, ...own]);
    if ((whole.length - headerBytes) / 4 + 1 > 0xffff)
      throw new Fault(
        "resource_exhausted",
        "Cannot write layer image: too many extended attributes on one file",
      );
    return whole;
  }

  /** The entries that several nodes have. */
  get table(): Buffer {
    return Buffer.concat(this.#table);
  }

  // Shared, an entry costs four bytes for each that has it, and itself once.
  #placeOf(entry: Buffer): number | undefined {
    const known = this.#seen.get(keyOf(entry));
    if (!known || known.count < 2 || 4 * known.count + entry.length >= known.count * entry.length)
      return undefined;
    if (known.place === undefined) {
      known.place = this.#tableBytes / 4;
      this.#table.push(known.entry);
      this.#tableBytes += known.entry.length;
    }
    return known.place;
  }
}

/** What stands behind the inode of a node without attributes. */
export const noXattrs: Buffer = Buffer.alloc(0);

/** What the inode says of the length of what `encode` gave. */
export function xattrCount(encoded: Buffer): number {
  return encoded.length === 0 ? 0 : (encoded.length - headerBytes) / 4 + 1;
}

function encodeEntry(name: string, value: Uint8Array): Buffer {
  const prefix = xattrPrefixes.find(([start]) => name.startsWith(start));
  if (!prefix) throw new Fault("internal", `Cannot write layer image: unknown extended attribute "${name}"`);
  const rest = Buffer.from(name.slice(prefix[0].length));
  if (rest.length > 255 || value.length > 0xffff)
    throw new Fault(
      "resource_exhausted",
      `Cannot write layer image: extended attribute "${name}" is too long`,
    );
  const entry = Buffer.alloc(padded(4 + rest.length + value.length));
  entry[0] = rest.length;
  entry[1] = prefix[1];
  entry.writeUInt16LE(value.length, 2);
  entry.set(rest, 4);
  entry.set(value, 4 + rest.length);
  return entry;
}

function keyOf(entry: Buffer): string {
  return entry.toString("latin1");
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
