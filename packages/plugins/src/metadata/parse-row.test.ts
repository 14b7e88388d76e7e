import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRow } from "./parse-row.ts";
import { containerShape, imageShape } from "./row-shapes.ts";

describe("parseRow", () => {
  const image = {
    name: "a",
    labels: { b: "c" },
    target: { mediaType: "m", digest: "sha256:1", size: 1 },
    createdAt: "2026-01-02T03:04:05.000Z",
    updatedAt: "2026-01-02T03:04:05.123456789Z",
  };
  const parse = (row: unknown): unknown => parseRow(Buffer.from(JSON.stringify(row)), imageShape);

  it("gives dates as dates", () => {
    const row = parseRow(Buffer.from(JSON.stringify(image)), imageShape);
    assert.equal(row["name"], "a");
    assert.ok(row["createdAt"] instanceof Date);
  });

  for (const damaged of ["", "{", "\0\0", "null", "[]", "1"]) {
    it(`refuses ${JSON.stringify(damaged)} as lost data`, () => {
      assert.throws(() => parseRow(Buffer.from(damaged), {}), {
        code: "data_loss",
        message: /^it is (?:not JSON|no object)$/,
      });
    });
  }

  for (const [field, value] of [
    ["name", 7],
    ["name", undefined],
    ["labels", null],
    ["labels", []],
    ["labels", { a: 1 }],
    ["target", "sha256:1"],
    ["target", { mediaType: "m", digest: "sha256:1", size: "1" }],
    ["createdAt", null],
    ["createdAt", "yesterday"],
    ["updatedAt", 1700000000],
  ] as const) {
    it(`names "${field}" of a row where it is ${JSON.stringify(value)}`, () => {
      assert.throws(() => parse({ ...image, [field]: value }), {
        code: "data_loss",
        message: new RegExp(`^"${field}" is not `),
      });
    });
  }

  it("names a container's parts that are not what they must be", () => {
    for (const part of [
      { runtime: null },
      { runtime: { name: 1 } },
      { spec: 5 },
      { extensions: { a: "b" } },
    ]) {
      const [name] = Object.keys(part);
      const row = { ...image, id: "a", image: "", runtime: { name: "r" }, snapshotter: "", snapshotKey: "" };
      const bytes = Buffer.from(JSON.stringify({ ...row, extensions: {}, ...part }));
      assert.throws(() => parseRow(bytes, containerShape), { message: `"${name}" is not an object` });
    }
  });
});
