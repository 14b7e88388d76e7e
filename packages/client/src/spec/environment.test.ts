import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { environmentList } from "./environment.ts";

describe("environmentList", () => {
  it("takes a list and an object", () => {
    assert.deepEqual(environmentList(["A=1", "B", "C="]), ["A=1", "B", "C="]);
    assert.deepEqual(environmentList({ A: "1", B: "x=y", C: "" }), ["A=1", "B=x=y", "C="]);
  });

  for (const environment of [[""], ["=x"], ["A=\0"], { "": "x" }, { "A=B": "x" }, { A: "\0" }]) {
    it(`refuses ${JSON.stringify(environment)}`, () => {
      assert.throws(() => environmentList(environment), { code: "invalid_argument" });
    });
  }
});
