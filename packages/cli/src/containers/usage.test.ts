import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { readUsage } from "./usage.ts";

describe("readUsage", () => {
  const failing = (fault: Fault): Parameters<typeof readUsage>[0] => ({
    metrics: () => Promise.reject(fault),
  });

  it("returns undefined for a container whose metrics cannot be read", async () => {
    const reading = readUsage(failing(new Fault("unknown", "cgroup is gone")), "a");
    assert.equal(await reading, undefined);
    const foreign = { metrics: () => Promise.resolve({ typeUrl: "windows.Stats", value: new Uint8Array() }) };
    assert.equal(await readUsage(foreign, "a"), undefined);
  });

  it("throws what says that the container has ended", async () => {
    await assert.rejects(readUsage(failing(new Fault("not_found", "no task")), "a"), { code: "not_found" });
  });
});
