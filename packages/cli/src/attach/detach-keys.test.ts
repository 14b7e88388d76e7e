import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { detachable, parseDetachKeys } from "./detach-keys.ts";

describe("parseDetachKeys", () => {
  it("reads letters and control keys", () => {
    assert.deepEqual(parseDetachKeys("ctrl-p,ctrl-q,x"), [16, 17, 120]);
    assert.deepEqual(parseDetachKeys("ctrl-["), [27]);
    assert.throws(() => parseDetachKeys("ctrl-p,hello"), /"hello" is no key/);
  });
});

describe("detachable", () => {
  function typing(...typed: readonly string[]): { passed: string; detached: number } {
    let detached = 0;
    const see = detachable(parseDetachKeys("ctrl-p,ctrl-q"), () => (detached += 1));
    const passed = typed.map((text) => Buffer.from(see(Buffer.from(text))).toString()).join("");
    return { passed, detached };
  }

  it("sees the keys also when they come apart, and passes nothing of them on", () => {
    assert.deepEqual(typing("ab\u0010\u0011"), { passed: "ab", detached: 1 });
    assert.deepEqual(typing("ab\u0010", "\u0011"), { passed: "ab", detached: 1 });
  });

  it("passes on what only began like them", () => {
    assert.deepEqual(typing("\u0010a"), { passed: "\u0010a", detached: 0 });
    assert.deepEqual(typing("\u0010", "\u0010", "b"), { passed: "\u0010\u0010b", detached: 0 });
  });
});
