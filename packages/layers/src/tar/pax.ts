import { Fault } from "@slipway/fault/fault";

/** The records of a pax header by name; values are bytes. */
export type PaxRecords = Map<string, Buffer>;

export const xattrPrefix = "SCHILY.xattr.";

/**
 * Reads records of the form "LENGTH NAME=VALUE\n" into `records`. An empty value takes a name back.
 * Defined by https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function readPax(bytes: Buffer, records: PaxRecords): void {
  for (let start = 0; start < bytes.length;) {
    const space = bytes.indexOf(0x20, start);
    const digits = space === -1 ? "" : bytes.toString("latin1", start, space);
    const end = start + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    if (
      !/^[0-9]{1,9}$/.test(digits) ||
      end > bytes.length ||
      equals === -1 ||
      equals >= end ||
      bytes[end - 1] !== 0x0a
    ) {
      throw new Fault("invalid_argument", "Cannot read tar header: a pax record is malformed");
    }
    const name = bytes.toString("utf8", space + 1, equals);
    const value = bytes.subarray(equals + 1, end - 1);
    // GNU's sparse format 0.0 repeats two names, a pair for each region: gather them as format 0.1 writes them.
    if (name === "GNU.sparse.offset" || name === "GNU.sparse.numbytes") {
      const map = records.get("GNU.sparse.map");
      records.set("GNU.sparse.map", map ? Buffer.concat([map, Buffer.from(","), value]) : value);
    } else if (name === "" || (isText(name) && value.includes(0))) {
      throw new Fault("invalid_argument", `Cannot read tar header: pax record "${name}" is malformed`);
    } else if (value.length === 0 && !name.startsWith(xattrPrefix)) {
      records.delete(name);
    } else records.set(name, value);
    start = end;
  }
}

/** Writes records, sorted by name. */
export function writePax(records: ReadonlyMap<string, Uint8Array>): Buffer {
  const lines = [...records]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const rest = Buffer.byteLength(name) + value.length + 3;
      // The length counts its own digits.
      let length = rest + String(rest).length;
      if (String(length).length !== String(rest).length) length += 1;
      return Buffer.concat([Buffer.from(`${length} ${name}=`), value, Buffer.from("\n")]);
    });
  return Buffer.concat(lines);
}

/** A number record, or nothing. @throws {Fault} `invalid_argument` */
export function paxNumber(records: PaxRecords, name: string): number | undefined {
  const value = records.get(name)?.toString("latin1");
  if (value === undefined) return undefined;
  const number = /^-?[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw malformed(name);
  return number;
}

/** A time record in nanoseconds since 1970, or nothing. @throws {Fault} `invalid_argument` */
export function paxTime(records: PaxRecords, name: string): bigint | undefined {
  const value = records.get(name)?.toString("latin1");
  if (value === undefined) return undefined;
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(value);
  if (!match) throw malformed(name);
  const [, sign, seconds = "0", fraction = ""] = match;
  const time = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -time : time;
}

function isText(name: string): boolean {
  return name === "path" || name === "linkpath" || name === "uname" || name === "gname";
}

function malformed(name: string): Fault {
  return new Fault("invalid_argument", `Cannot read tar header: pax record "${name}" is malformed`);
}
