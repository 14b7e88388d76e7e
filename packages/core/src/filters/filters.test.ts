import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { label } from "./fields.ts";
import { compileFilters, type FieldReader } from "./filters.ts";

const object =
  (fields: Record<string, string>, labels: Record<string, string> = {}): FieldReader =>
  ([first = "", ...rest]) =>
    first === "labels" ? label(labels, rest) : fields[first];

const images = {
  plain: object({ name: "busybox" }),
  labelled: object({ name: "alpine" }, { "a.b": "x", "very complex label": "1,2", empty: "" }),
};

function matching(...filters: string[]): string[] {
  const matches = compileFilters(filters);
  return Object.entries(images).flatMap(([name, fields]) => (matches(fields) ? [name] : []));
}

describe("compileFilters", () => {
  it("matches everything without filters", () => {
    assert.deepEqual(matching(), ["plain", "labelled"]);
    assert.deepEqual(matching(""), ["plain", "labelled"]);
  });

  it("compares", () => {
    assert.deepEqual(matching("name==busybox"), ["plain"]);
    assert.deepEqual(matching("name!=busybox"), ["labelled"]);
    assert.deepEqual(matching("name == busybox"), ["plain"]);
    assert.deepEqual(matching('name=="busybox"'), ["plain"]);
  });

  it("takes a missing field for an empty one when it compares with !=", () => {
    assert.deepEqual(matching("labels.none!=x"), ["plain", "labelled"]);
  });

  it("finds labels by path and by quoted name", () => {
    assert.deepEqual(matching("labels.a.b==x"), ["labelled"]);
    assert.deepEqual(matching('labels."a.b"==x'), ["labelled"]);
    assert.deepEqual(matching('labels."very complex label"=="1,2"'), ["labelled"]);
    assert.deepEqual(matching("labels.empty"), ["labelled"]);
  });

  it("wants all selectors of a filter, and any of the filters", () => {
    assert.deepEqual(matching("name==alpine,labels.none"), []);
    assert.deepEqual(matching("name==alpine,labels.empty"), ["labelled"]);
    assert.deepEqual(matching("name==alpine", "name==busybox"), ["plain", "labelled"]);
  });

  it("matches regular expressions, quoted with slashes or bars", () => {
    assert.deepEqual(matching("name~=^busy"), ["plain"]);
    assert.deepEqual(matching("name~=/^(busy|al)/"), ["plain", "labelled"]);
    assert.deepEqual(matching("name~=|^al\\|^x|"), ["labelled"]);
    assert.deepEqual(matching("name~=(?i)ALPINE"), ["labelled"]);
    assert.deepEqual(matching("name~=["), []);
  });

  it("unescapes quoted values", () => {
    assert.deepEqual(matching(String.raw`name=="\x62\165sybo\u0078"`), ["plain"]);
  });

  for (const [filter, why] of [
    ["name=", '[name >|=|< ]: unsupported operator "="'],
    ["name==", "[name==]: expected value or quoted"],
    ["==x", "[ >|=|< =x]: expected field or quoted"],
    ["name==x,", "[name==x,]: expected field or quoted"],
    ["name x", '[name  >|x|< ]: expected an operator ("=="|"!="|"~=")'],
    ['name=="x', '[name== >|"|< x]: quoted literal not terminated'],
    ["name==/x/", "[name== >|/|< x/]: invalid quote encountered"],
    ["name==x y", "[name==x >| |< y]: unexpected input:  "],
  ] as const) {
    it(`refuses ${filter}`, () => {
      assert.throws(
        () => compileFilters([filter]),
        new Fault("invalid_argument", `filters: parse error: ${why}: invalid argument`),
      );
    });
  }
});
