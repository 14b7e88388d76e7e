import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSpecJson, parseSpecJson } from "./spec-json.ts";

describe("parseSpecJson and formatSpecJson", () => {
  it("keep every digit of a number of 64 bits", () => {
    const text =
      '{"hard":18446744073709551615,"soft":-9223372036854775807,"text":"18446744073709551615","part":0.125}';
    const value = parseSpecJson(text);
    assert.deepEqual(value, {
      hard: 0xffff_ffff_ffff_ffffn,
      soft: -9_223_372_036_854_775_807n,
      text: "18446744073709551615",
      part: 0.125,
    });
    const again = formatSpecJson({ ...(value as object), part: 1 });
    assert.equal(again, text.replace("0.125", "1"));
  });

  it("read and write small numbers as JSON does", () => {
    assert.equal(formatSpecJson({ a: 5n, b: [1, null] }), '{"a":5,"b":[1,null]}');
    assert.deepEqual(parseSpecJson('{"a":5}'), { a: 5 });
  });
});
