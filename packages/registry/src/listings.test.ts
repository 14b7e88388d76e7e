import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import { readTags } from "./listings.ts";

describe("readTags", () => {
  it("reads a page, also without tags", () => {
    const read = (document: unknown): string[] => readTags("tags", Buffer.from(JSON.stringify(document)));
    assert.deepEqual(read({ name: "a", tags: ["1", "2"] }), ["1", "2"]);
    assert.deepEqual(read({ name: "a", tags: null }), []);
    assert.deepEqual(read({}), []);
    assert.throws(() => read({ tags: "1" }), { message: 'Cannot read tags: "tags" is "1", not a list' });
    assert.throws(() => read({ tags: [1] }), { message: 'Cannot read tags: "tags[0]" is 1, not text' });
  });

  it("ends in tags or a fault, whatever a registry answers", () => {
    assertReadsAnything("tags", [{ name: "a", tags: ["1"] }], (bytes) => readTags("tags", bytes));
  });
});
