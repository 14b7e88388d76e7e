import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readHelperAnswer } from "./credential-helper.ts";

describe("readHelperAnswer", () => {
  const read = (text: string): object => readHelperAnswer('credential helper "x"', text);

  it("takes name and secret", () => {
    assert.deepEqual(read('{"ServerURL":"s","Username":"u","Secret":"p"}'), { username: "u", secret: "p" });
    assert.deepEqual(read('{"Username":null}'), { username: "", secret: "" });
  });

  it("shows nothing of an answer that it cannot read", () => {
    for (const text of ["", "hunter2", '"hunter2"', '{"Secret":["hunter2"]}', "null", "[]"]) {
      assert.throws(
        () => read(text),
        ({ message }: Error) => {
          assert.match(message, /^Cannot read the answer of credential helper "x": it is not an object with/);
          return !message.includes("hunter2");
        },
      );
    }
  });
});
