import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import { readTokenDocument } from "./token-document.ts";

const name = "the token of https://auth.example/token";
const read = (document: unknown): unknown => readTokenDocument(name, JSON.stringify(document));

describe("readTokenDocument", () => {
  it("takes the token under either name, and its life in seconds", () => {
    assert.deepEqual(read({ token: "a", expires_in: 300 }), { token: "a", lifeSeconds: 300 });
    assert.deepEqual(read({ access_token: "b", token: "a" }), { token: "b", lifeSeconds: 60 });
    assert.deepEqual(read({ access_token: null, token: "a" }), { token: "a", lifeSeconds: 60 });
    assert.deepEqual(read({ access_token: "", token: "a", expires_in: null }), {
      token: "a",
      lifeSeconds: 60,
    });
    assert.deepEqual(read({ token: "a", expires_in: -1, issued_at: "never" }), {
      token: "a",
      lifeSeconds: 60,
    });
    assert.deepEqual(read({ token: "a", expires_in: 1e300 }), { token: "a", lifeSeconds: 86_400 });
  });

  it("refuses what has no token that a header can have", () => {
    const refused: [unknown, string][] = [
      [null, "it is null"],
      [{}, "it has no token"],
      [[], "it is a list, not an object"],
      [{ token: null }, "it has no token"],
      [{ token: "" }, "it has no token"],
      [{ token: 5 }, '"token" is 5, not text'],
      [{ token: "a\r\nx: y" }, '"token" has letters that no header can have'],
      [{ token: "a", expires_in: "soon" }, '"expires_in" is "soon", not a number'],
    ];
    for (const [document, why] of refused) {
      assert.throws(() => read(document), {
        code: "unauthenticated",
        message: `Cannot read ${name}: ${why}`,
      });
    }
    assert.throws(() => readTokenDocument(name, "<html>"), /it is not JSON: it begins with "<html>"/);
  });

  it("ends in a token or a fault, whatever a server answers", () => {
    const documents = [
      { token: "a", expires_in: 300 },
      { access_token: "b", issued_at: "2026-01-01T00:00:00Z" },
    ];
    assertReadsAnything(name, documents, (bytes) => readTokenDocument(name, bytes));
  });
});
