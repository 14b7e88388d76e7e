import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { TarDecoder } from "./decoder.ts";
import { encodeHeader, endOfArchive, type NewTarEntry, paddingAfter } from "./encoder.ts";
import type { TarEntry, TarType } from "./entry.ts";
import { writeNumber } from "./numbers.ts";

interface Read {
  readonly entry: TarEntry;
  readonly data: Buffer;
}

/** Reads an archive that comes in pieces. */
function decode(archive: Uint8Array, pieceBytes: number): Read[] {
  const found: { entry: TarEntry; pieces: Uint8Array[] }[] = [];
  const decoder = new TarDecoder({
    entry: (entry) => found.push({ entry, pieces: [] }),
    data: (bytes) => found.at(-1)?.pieces.push(Uint8Array.from(bytes)),
    end() {},
  });
  for (let at = 0; at < archive.length; at += pieceBytes)
    decoder.write(archive.subarray(at, at + pieceBytes));
  decoder.end();
  return found.map(({ entry, pieces }) => ({ entry, data: Buffer.concat(pieces) }));
}

// Names are bytes: a character each.
const part = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
  minLength: 1,
  maxLength: 80,
});
const name = fc
  .array(part, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join("/").replace(/\/+$/, "x"));
const types = [
  "file",
  "link",
  "symlink",
  "character",
  "block",
  "directory",
  "fifo",
] as const satisfies readonly TarType[];
const member = fc.record({
  entry: fc.record({
    type: fc.constantFrom(...types),
    name,
    linkName: name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    modifiedNs: fc
      .integer({ min: -(2 ** 40), max: 2 ** 40 })
      .map((seconds) => BigInt(seconds) * 1_000_000_000n),
    deviceMajor: fc.integer({ min: 0, max: 4095 }),
    deviceMinor: fc.integer({ min: 0, max: 0o7777777 }),
    xattrs: fc.dictionary(fc.stringMatching(/^user\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 100 })),
  }),
  data: fc.uint8Array({ maxLength: 1500 }),
});

function pack(members: readonly { entry: NewTarEntry; data: Uint8Array }[]): Buffer {
  const blocks = members.flatMap(({ entry, data }) => {
    const bytes = entry.type === "file" ? data : Buffer.alloc(0);
    return [encodeHeader({ ...entry, sizeBytes: bytes.length }), bytes, paddingAfter(bytes.length)];
  });
  return Buffer.concat([...blocks, endOfArchive]);
}

describe("tar", () => {
  const archive = fc.array(
    member.map(({ entry, data }) => ({
      entry: { ...entry, xattrs: new Map(Object.entries(entry.xattrs)) },
      data,
    })),
    { maxLength: 4 },
  );

  it("decodes what it encodes, in pieces of any size", () => {
    fc.assert(
      fc.property(archive, fc.integer({ min: 1, max: 5000 }), (members, pieceBytes) => {
        const read = decode(pack(members), pieceBytes);
        assert.equal(read.length, members.length);
        for (const [index, { entry, data }] of members.entries()) {
          const found = read[index];
          const { xattrs, ...rest } = entry;
          const isLink = entry.type === "link" || entry.type === "symlink";
          assert.deepEqual(
            { ...found?.entry, linkName: isLink ? found?.entry.linkName : "" },
            {
              ...found?.entry,
              ...rest,
              linkName: isLink ? entry.linkName : "",
            },
          );
          const values = [...(found?.entry.xattrs ?? [])].map(([key, value]) => [
            key,
            Buffer.from(value).toString("hex"),
          ]);
          assert.deepEqual(
            new Map(values as [string, string][]),
            new Map([...xattrs].map(([key, value]) => [key, Buffer.from(value).toString("hex")])),
          );
          if (entry.type === "file") assert.deepEqual(found?.data, Buffer.from(data));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("answers any damage with members or with a fault", () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(archive, damage, fc.boolean(), (members, changes, repair) => {
        const bytes = pack(members);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        // With its checksum repaired, a wrong header comes further.
        if (repair) for (let at = 0; at < bytes.length; at += 512) sign(bytes.subarray(at, at + 512));
        try {
          decode(bytes, 700);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("reads numbers in base 256, negative ones as well", () => {
    for (const value of [0, 0o7777777, 0o100000000, 2 ** 50, -1, -(2 ** 40)]) {
      const block = encodeHeader({ type: "file", name: "x" });
      writeNumber(block, value, 136, 12);
      sign(block);
      assert.equal(
        decode(Buffer.concat([block, endOfArchive]), 512)[0]?.entry.modifiedNs,
        BigInt(value) * 1_000_000_000n,
      );
    }
  });

  it("refuses records and sparse maps that are too long to be honest", () => {
    const records = encodeHeader({ type: "file", name: "x", sizeBytes: 2 ** 30 });
    records.write("x", 156, "latin1");
    sign(records);
    assert.throws(() => decode(records, 512), {
      code: "invalid_argument",
      message: /1073741824 bytes of records are too many/,
    });
  });
});

function sign(block: Buffer): void {
  block.write("        ", 148, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
