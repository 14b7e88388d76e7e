import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { readErrorDocument } from "./error-document.ts";

describe("readErrorDocument", () => {
  it("shows the errors of registries, token servers and object stores", () => {
    const shown: [string, string][] = [
      [
        '{"errors":[{"code":"DENIED","message":"quota exceeded","detail":{"a":1}}]}',
        ": DENIED: quota exceeded",
      ],
      ['{"errors":[{"code":"A","message":"b","detail":"c"},{"code":"D"}]}', ": A: b: c: D"],
      ['{"details":"incorrect username or password"}', ": incorrect username or password"],
      ['{"error":"invalid_grant","error_description":"expired"}', ": expired"],
      ['{"message":"Not Found"}', ": Not Found"],
      [
        "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No</Message></Error>",
        ": AccessDenied: No",
      ],
      ["busy", ": busy"],
      ["", ""],
      ["{}", ""],
      ['{"errors":null}', ""],
      ['{"errors":[]}', ""],
      ["<html><title>x</title>", ""],
    ];
    for (const [body, text] of shown) assert.equal(readErrorDocument(body), text, body);
  });

  it("shows another document as it came, on one line, without what a terminal obeys, and not all of it", () => {
    assert.equal(readErrorDocument('{"errors":{"code":"X"}}'), ': {"errors":{"code":"X"}}');
    assert.equal(readErrorDocument('{"errors":[null]}'), "");
    assert.equal(readErrorDocument("null"), "");
    assert.equal(readErrorDocument("a\u001b[31m\r\nb\0"), ": a [31m b");
    assert.equal(readErrorDocument("x".repeat(70_000)).length, 303);
    assert.ok(
      readErrorDocument(JSON.stringify({ errors: Array.from({ length: 1000 }, () => ({ code: "E" })) }))
        .length < 100,
    );
  });

  it("shows anything as the end of a sentence", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        const text = readErrorDocument(body);
        assert.match(text, /^(?:: \P{Cc}+)*$/u);
        assert.doesNotMatch(text, /\[object Object\]/);
      }),
    );
  });
});
