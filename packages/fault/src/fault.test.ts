import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeOf, during, Fault, hasCode } from "./fault.ts";

describe("Fault", () => {
  it("keeps its code when during() says what was being done", () => {
    const fault = during('remove snapshot "a"', new Fault("not_found", 'snapshot "a" does not exist'));
    assert.equal(fault.code, "not_found");
    assert.equal(fault.message, 'Cannot remove snapshot "a": snapshot "a" does not exist');
  });

  it("is recognised by its brand, not by its class", () => {
    const foreign = Object.assign(new Error("x"), { code: "aborted", [Symbol.for("slipway.fault")]: true });
    assert.ok(foreign instanceof Fault);
    assert.ok(!(new Error("x") instanceof Fault));
  });

  it("reads aborts and timeouts as codes", () => {
    assert.equal(codeOf(AbortSignal.abort().reason), "canceled");
    assert.equal(codeOf(new DOMException("late", "TimeoutError")), "deadline_exceeded");
    assert.ok(hasCode(new Error("x"), "not_found", "unknown"));
  });
});
