import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeOf, during, Fault, hasCode, messageOf, namingPlace } from "./fault.ts";

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

  it("reads a full, broken or read-only file system, and a lack of descriptors, as codes", () => {
    const failed = (code: string): Error => Object.assign(new Error(`${code}: sorry, write`), { code });
    assert.deepEqual(
      ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "EROFS", "EIO", "ENOENT"].map((code) => codeOf(failed(code))),
      [
        ...Array.from({ length: 4 }, () => "resource_exhausted"),
        "failed_precondition",
        "unavailable",
        "unknown",
      ],
    );
  });
});

describe("codeOf", () => {
  it("takes what left a scope for the reason when a disposal has failed, too", async () => {
    const leave = async (): Promise<void> => {
      await using _ = { [Symbol.asyncDispose]: () => Promise.reject(new Error("not removed")) };
      throw new Fault("resource_exhausted", "full");
    };
    const error: unknown = await leave().catch((thrown: unknown) => thrown);
    assert.equal(codeOf(error), "resource_exhausted");
    assert.equal(messageOf(error), "full; then not removed");
  });
});

describe("namingPlace", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

  it("adds the directory to what a full disk says, through faults that it is the cause of", () => {
    const named = namingPlace("/data/1", during('apply "a" of the layer', full));
    assert.ok(named instanceof Fault);
    assert.equal(named.code, "resource_exhausted");
    assert.equal(
      named.message,
      'Cannot apply "a" of the layer: ENOSPC: no space left on device, write (in "/data/1")',
    );
  });

  it("leaves alone what names it already, and what is no failure of the file system", () => {
    const named = namingPlace("/data", full);
    assert.equal(namingPlace("/data", named), named);
    const other = new Fault("data_loss", "torn");
    assert.equal(namingPlace("/data", other), other);
  });
});
