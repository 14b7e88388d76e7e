import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDuration } from "./duration.ts";
import { suggest } from "./suggest.ts";
import { TableReader } from "./table-reader.ts";

describe("TableReader", () => {
  it("gives what the table has, else what it is asked with, and shows both", () => {
    const reader = new TableReader({ path: "/x", delay: "1m30s", list: ["a"], words: { a: "b" } }, "p");
    assert.equal(reader.string("path", "/y"), "/x");
    assert.equal(reader.duration("delay", "0s"), 90_000);
    assert.equal(reader.duration("pause", "2s"), 2000);
    assert.deepEqual(reader.strings("list"), ["a"]);
    assert.deepEqual(reader.stringsByName("words"), { a: "b" });
    assert.equal(reader.oneOf("format", ["auto", "plain"], "auto"), "auto");
    assert.equal(reader.integer("most", 3, { least: 1 }), 3);
    assert.deepEqual(reader.effective(), {
      path: "/x",
      delay: "1m30s",
      pause: "2s",
      list: ["a"],
      words: { a: "b" },
      format: "auto",
      most: 3,
    });
  });

  it("names the key and what it should be", () => {
    const reader = new TableReader({ delay: 5, format: "no", most: 0.5, list: "a", inner: [{ a: 1 }] }, "p");
    const says = (work: () => unknown, message: string): void =>
      assert.throws(work, { code: "invalid_argument", message: `Cannot read ${message}` });
    says(() => reader.duration("delay", "0s"), '"p.delay": expected a duration such as "100ms"');
    says(() => reader.oneOf("format", ["auto", "plain"], "auto"), '"p.format": expected one of auto, plain');
    says(() => reader.integer("most", 1, { least: 1 }), '"p.most": expected a whole number of at least 1');
    says(() => reader.strings("list"), '"p.list": expected a list of strings');
    says(() => reader.tables("inner")[0]?.string("a", ""), '"p.inner[0].a": expected a string');
    says(() => new TableReader(5, "q"), '"q": expected a table');
  });

  it("tells the keys that nobody asked for, in the tables inside as well", () => {
    const reader = new TableReader({ root: "/", rooot: "/", old: 1, inner: [{ platfrom: "x" }] }, "");
    reader.string("root", "");
    reader.ignore("old");
    for (const inner of reader.tables("inner")) inner.string("platform", "");
    assert.deepEqual(reader.warnings(), [
      'unknown key "rooot": did you mean "root"?',
      'unknown key "inner[0].platfrom": did you mean "platform"?',
    ]);
  });
});

describe("parseDuration", () => {
  it("reads Go's durations", () => {
    assert.deepEqual(["0s", "", "100ms", "1h30m", "1.5s"].map(parseDuration), [0, 0, 100, 5_400_000, 1500]);
    assert.throws(() => parseDuration("5 apples"), { code: "invalid_argument" });
  });
});

describe("suggest", () => {
  it("knows near names only", () => {
    assert.equal(suggest("snapshoter", ["snapshotter", "root"]), "snapshotter");
    assert.equal(suggest("zebra", ["snapshotter", "root"]), undefined);
    assert.equal(suggest("io.x.v1.btrfs", ["io.x.v1.native"], 2), undefined);
  });
});
