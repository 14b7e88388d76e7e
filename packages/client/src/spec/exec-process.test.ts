import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProcessSpec } from "@slipway/oci/runtime-spec";
import { execProcess } from "./exec-process.ts";

const base: ProcessSpec = {
  user: { uid: 0, gid: 0 },
  args: ["sleep", "100"],
  env: ["PATH=/bin", "A=1", "B=x=y"],
  cwd: "/work",
};

describe("execProcess", () => {
  it("lays variables over the container's, and removes those that have a name alone", () => {
    const { env, cwd } = execProcess(base, { args: ["env"], env: ["A=2", "B", "NEW=", "MISSING"] }, "/");
    assert.deepEqual(env, ["PATH=/bin", "A=2", "NEW="]);
    assert.equal(cwd, "/work");
  });

  it("has a terminal's type, unless the container or the caller names one", () => {
    const terminal = { args: ["sh"], terminal: true };
    assert.deepEqual(execProcess(base, terminal, "/").env?.at(-1), "TERM=xterm");
    const own = { ...base, env: ["TERM=linux"] };
    assert.deepEqual(execProcess(own, terminal, "/").env, ["TERM=linux"]);
    assert.equal(execProcess(base, { ...terminal, env: ["TERM=vt100"] }, "/").env?.at(-1), "TERM=vt100");
  });
});
