import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { makeTar, type Member } from "../testing/archive.ts";
import { agrees, directoryOf, writeImage } from "./testing.ts";

describe("any archive", () => {
  const base = fc.constantFrom(
    "a",
    "b",
    "c",
    "d",
    ".wh.a",
    ".wh.b",
    ".wh..wh..opq",
    "..",
    ".",
    "n".repeat(255),
  );
  const name = fc.array(base, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const target = fc.oneof(
    name,
    name.map((path) => `/${path}`),
  );
  const acl = Buffer.from(
    "02000000010006000000000002000700010000000400040000000000100007000000000020000400ffffffff",
    "hex",
  );
  acl.writeInt32LE(-1, 8);
  const xattrs = fc.constantFrom(
    new Map<string, Uint8Array>(),
    new Map([["user.same", Buffer.from("a value that several files have, to be written once")]]),
    new Map([["user.other", Buffer.alloc(700, 1)]]),
    new Map([["security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex")]]),
    new Map([["trusted.overlay.redirect", Buffer.from("/")]]),
    new Map([["system.posix_acl_access", acl]]),
  );
  const member = fc.record({
    type: fc.constantFrom("file", "file", "directory", "directory", "symlink", "link", "fifo", "character"),
    name,
    linkName: target,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.constantFrom(0, 1000, 2 ** 32 - 2),
    gid: fc.constantFrom(0, 70_000),
    modifiedNs: fc
      .integer({ min: -5, max: 2 ** 31 })
      .map((seconds) => BigInt(seconds % 1_700_000_000) * 1_000_000_000n),
    deviceMajor: fc.constantFrom(0, 1, 4095),
    deviceMinor: fc.constantFrom(0, 300, 0xf_ffff),
    xattrs,
    data: fc.constantFrom("", "x", "y".repeat(512), "z".repeat(5000)),
  });

  it("makes the tree that a directory gets, or is refused where a directory refuses it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(member as fc.Arbitrary<Member>, { maxLength: 12 }), async (members) => {
        const tar = makeTar(members.map((each) => (each.type === "file" ? each : { ...each, data: "" })));
        const refused = await directoryOf(tar).then(
          () => undefined,
          (error: unknown) => error as Error,
        );
        if (refused) assert.throws(() => writeImage(tar), Fault, refused.message);
        else await agrees(tar);
      }),
      { numRuns: Number(process.env["EROFS_RUNS"] ?? 60) },
    );
  });
});
