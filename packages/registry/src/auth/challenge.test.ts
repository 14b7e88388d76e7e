import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChallenges } from "./challenge.ts";

describe("parseChallenges", () => {
  it("reads several challenges, quoted commas and escapes, names in any case", () => {
    const header =
      'Basic realm="a, b \\"c\\"", BEARER Realm="https://auth.example/token?a=1,2",Service=reg.example,' +
      'scope="repository:team/app:pull,push repository:other:pull" , Negotiate dG9rZW4=, Digest qop="auth"';
    assert.deepEqual(parseChallenges(header), [
      { scheme: "basic", parameters: { realm: 'a, b "c"' } },
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.example/token?a=1,2",
          service: "reg.example",
          scope: "repository:team/app:pull,push repository:other:pull",
        },
      },
      { scheme: "negotiate", parameters: { dg9rzw4: "" } },
      { scheme: "digest", parameters: { qop: "auth" } },
    ]);
  });

  it("reads what it can of a header that is not well formed", () => {
    assert.deepEqual(parseChallenges(""), []);
    assert.deepEqual(parseChallenges(", ,Bearer"), [{ scheme: "bearer", parameters: {} }]);
    assert.deepEqual(parseChallenges('realm="x"'), []);
    assert.deepEqual(parseChallenges('Bearer realm = "x" , service = y'), [
      { scheme: "bearer", parameters: { realm: "x", service: "y" } },
    ]);
    assert.deepEqual(parseChallenges('Bearer realm="https://never.ends'), [
      { scheme: "bearer", parameters: {} },
    ]);
    assert.deepEqual(parseChallenges('Bearer __proto__="x",realm="y"')[0]?.parameters["realm"], "y");
  });
});
