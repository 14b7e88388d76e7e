import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lastError } from "./runtime-log.ts";

describe("lastError", () => {
  it("reads runc's lines", () => {
    const log = [
      '{"level":"warning","msg":"a {brace","time":"x"}',
      '{"level":"error","msg":"first","time":"x"}',
      '{"level":"error","msg":"exec: \\"nope\\": not found }","time":"x"}',
      '{"level":"info","msg":"bye","time":"x"}',
      '{"level":"err',
    ];
    assert.equal(lastError(log.join("\n")), 'exec: "nope": not found }');
  });

  it("reads crun's objects over several lines", () => {
    const log =
      '{\n  "msg": "executable file `nope` not found in $PATH",\n  "level": "error",\n  "time": "x"\n}\n';
    assert.equal(lastError(log), "executable file `nope` not found in $PATH");
  });

  it("reads youki's fields, and gVisor's fatal errors", () => {
    const youki =
      '{"timestamp":"x","level":"ERROR","fields":{"message":"failed to create"},"target":"youki"}\n';
    assert.equal(lastError(youki), "failed to create");
    assert.equal(
      lastError('{"msg":"FATAL ERROR: starting","level":"fatal","time":"x"}'),
      "FATAL ERROR: starting",
    );
  });

  it("reads text", () => {
    assert.equal(lastError("INFO: begin\nERROR: no cgroup\nbye\n"), "ERROR: no cgroup");
    assert.equal(lastError("{ no JSON\nerror: why\n"), "error: why");
  });

  it("finds none in a log without errors", () => {
    assert.equal(lastError(""), undefined);
    assert.equal(lastError('{"level":"info","msg":"an error is no error"}\n'), undefined);
    assert.equal(lastError("\0\0\0"), undefined);
    assert.equal(lastError('[1]\n{"level":5}\n{"level":"error","msg":7}\n'), undefined);
  });

  it("takes no time over a large log of open braces", { timeout: 5000 }, () => {
    assert.equal(lastError("{".repeat(60_000)), undefined);
  });
});
