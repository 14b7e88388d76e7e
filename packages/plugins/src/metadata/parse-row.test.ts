import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRow } from "./parse-row.ts";

describe("parseRow", () => {
  it("gives dates as dates", () => {
    const row = parseRow(Buffer.from('{"name":"a","createdAt":"2026-01-02T03:04:05.000Z"}'));
    assert.equal(row["name"], "a");
    assert.ok(row["createdAt"] instanceof Date);
  });

  for (const damaged of ["", "{", "\0\0", "null", "[]", "1"]) {
    it(`refuses ${JSON.stringify(damaged)} as lost data`, () => {
      assert.throws(() => parseRow(Buffer.from(damaged)), {
        code: "data_loss",
        message: /^Cannot read a row of the store: it is (?:not JSON|no object)$/,
      });
    });
  }
});
