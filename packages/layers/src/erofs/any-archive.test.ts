import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { memberOf } from "../testing/arbitrary.ts";
import { makeDialectTar, repairChecksums } from "../testing/dialects.ts";
import { agrees, directoryOf, writeImage } from "./testing.ts";

const numRuns = Number(process.env["EROFS_RUNS"] ?? 25);

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
  const linkName = fc.oneof(
    name,
    name.map((path) => `/${path}`),
  );
  const types = ["file", "file", "directory", "directory", "symlink", "link", "fifo", "character"] as const;
  const archive = fc.array(memberOf({ types, name, linkName }), { maxLength: 12 });

  /** An image is what a directory becomes, or is refused where that is refused. */
  async function agreesOrRefuses(tar: Buffer): Promise<void> {
    const refused = await directoryOf(tar).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (!refused) return await agrees(tar);
    assert.ok(refused instanceof Fault, refused.stack);
    assert.throws(() => writeImage(tar), Fault, refused.message);
    return undefined;
  }

  it("makes the tree that a directory gets, or is refused where a directory refuses it", async () => {
    const property = fc.asyncProperty(
      archive,
      async (members) => await agreesOrRefuses(makeDialectTar(members)),
    );
    await fc.assert(property, { numRuns });
  });

  it("does so as well when it is damaged", async () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    const damage = fc.record({
      changes: fc.array(change, { maxLength: 5 }),
      cut: fc.nat(),
      isCut: fc.boolean(),
    });
    const property = fc.asyncProperty(archive, damage, async (members, { changes, cut, isCut }) => {
      const tar = makeDialectTar(members);
      for (const { at, byte } of changes) tar[at % tar.length] = byte;
      // With its checksum repaired, a wrong header comes further.
      repairChecksums(tar);
      await agreesOrRefuses(isCut ? tar.subarray(0, cut % tar.length) : tar);
    });
    await fc.assert(property, { numRuns });
  });
});
