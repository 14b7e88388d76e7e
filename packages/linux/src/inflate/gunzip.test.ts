import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32, deflateRawSync, gzipSync, constants } from "node:zlib";
import * as fc from "fast-check";
import type { Inflater } from "./inflater.ts";
import { gunzipWithIsaL } from "./isa-l.ts";
import { gunzipWithZlib } from "./zlib.ts";

const hasIsaL = gunzipWithIsaL() !== undefined;
const libraries = { zlib: gunzipWithZlib, "ISA-L": () => gunzipWithIsaL() ?? assert.fail("it is not there") };

/** What comes out of `blob` when it comes in pieces that end at `cuts`; nothing when it is broken. */
function inflated(make: () => Inflater, blob: Uint8Array, cuts: readonly number[] = []): Buffer | undefined {
  using inflater = make();
  const found: Buffer[] = [];
  try {
    const ends = [...cuts.map((cut) => cut % (blob.length + 1)), blob.length].toSorted((a, b) => a - b);
    let at = 0;
    for (const end of ends) {
      // A piece is good until the next is asked for.
      for (const piece of inflater.inflate(blob.subarray(at, end))) found.push(Buffer.from(piece));
      at = end;
    }
  } catch (error) {
    assert.match(String(error), /^Error: invalid data \(.+\)$/);
    return undefined;
  }
  return inflater.isComplete ? Buffer.concat(found) : undefined;
}

/** A header with all that it may have: an extra field, a name, a comment and its own checksum. */
function withFullHeader(data: Uint8Array): Buffer {
  const start = Buffer.from([0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3, 4, 0, 65, 66, 0, 0]);
  const header = Buffer.concat([start, Buffer.from("name\0comment\0")]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc32(header) & 0xffff);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(data));
  trailer.writeUInt32LE(data.length % 2 ** 32, 4);
  return Buffer.concat([header, check, deflateRawSync(data), trailer]);
}

const forms: readonly ((data: Uint8Array) => Buffer)[] = [
  gzipSync,
  (data) => gzipSync(data, { level: 1 }),
  (data) => gzipSync(data, { level: 0 }),
  (data) => gzipSync(data, { strategy: constants.Z_FIXED }),
  withFullHeader,
];
const data = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  // Longer than the window and than what is put out at once.
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 4_000 }))
    .map(([unit, count]) => Buffer.concat(Array.from({ length: count }, () => unit))),
);
const member = fc.record({ data, form: fc.constantFrom(...forms) });
const cuts = fc.array(fc.nat(), { maxLength: 20 });

for (const [name, make] of Object.entries(libraries)) {
  describe(
    `gunzip with ${name}`,
    { skip: name === "ISA-L" && !hasIsaL && "libisal2 is not installed" },
    () => {
      it("gives what was compressed, however its bytes come and whatever pads them", () => {
        fc.assert(
          fc.property(
            fc.array(member, { minLength: 1, maxLength: 4 }),
            cuts,
            fc.nat(700),
            (members, at, zeros) => {
              const blob = Buffer.concat([
                ...members.map((each) => each.form(each.data)),
                Buffer.alloc(zeros),
              ]);
              const found = inflated(make, blob, at);
              assert.ok(found?.equals(Buffer.concat(members.map((each) => each.data))));
            },
          ),
        );
      });

      it("takes a byte at a time", () => {
        const blob = Buffer.concat(forms.map((form) => form(Buffer.from("layer ".repeat(100)))));
        const every = Array.from(blob.keys());
        assert.equal(inflated(make, blob, every)?.toString(), "layer ".repeat(100 * forms.length));
      });

      it("is not complete when bytes are missing", () => {
        const blob = gzipSync(Buffer.from("layer ".repeat(10_000)));
        for (let length = 1; length < blob.length; length += 1)
          assert.equal(inflated(make, blob.subarray(0, length)), undefined, `${length} of ${blob.length}`);
      });

      it("refuses a checksum or a length that is not the data's", () => {
        const blob = gzipSync(Buffer.from("layer ".repeat(10_000)));
        for (let behind = 1; behind <= 8; behind += 1) {
          const damaged = Buffer.from(blob);
          damaged[blob.length - behind]! ^= 0x10;
          assert.equal(inflated(make, damaged), undefined, `${behind} bytes before the end`);
        }
      });
    },
  );
}

describe("gunzip", { skip: !hasIsaL && "libisal2 is not installed" }, () => {
  it("finds the same damage with either library", () => {
    fc.assert(
      fc.property(member, fc.nat(), fc.nat(7), cuts, ({ data: bytes, form }, where, bit, at) => {
        const blob = form(bytes);
        // Damage in the first ten bytes may be none, and what is no header is padding.
        const damaged = Buffer.from(blob);
        damaged[10 + (where % (blob.length - 10))]! ^= 1 << bit;
        const [byZlib, byIsaL] = Object.values(libraries).map((make) => inflated(make, damaged, at));
        // ISA-L takes a damaged table of codes when its damage makes no difference, as the checksum says.
        if (byZlib) assert.ok(byIsaL?.equals(byZlib));
        else if (byIsaL) assert.ok(byIsaL.equals(bytes));
      }),
      { numRuns: 2_000 },
    );
  });
});
