import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Labels } from "../labels.ts";
import { parseRestartPolicy, restartDecision } from "./restart.ts";

const stopped = (exitStatus: number) =>
  ({ status: "stopped", exit: { pid: 1, exitStatus, exitedAt: new Date() } }) as const;
const running = { status: "running" } as const;
const labels = (policy?: string, more: Labels = {}): Labels => ({
  "containerd.io/restart.status": "running",
  ...(policy === undefined ? {} : { "containerd.io/restart.policy": policy }),
  ...more,
});
const byHand = { "containerd.io/restart.explicitly-stopped": "true" };

describe("parseRestartPolicy", () => {
  it("reads containerd's policies, and takes none for always", () => {
    assert.deepEqual(parseRestartPolicy("on-failure:3"), { name: "on-failure", maxRetries: 3 });
    assert.deepEqual(parseRestartPolicy("on-failure"), { name: "on-failure", maxRetries: Infinity });
    assert.equal(parseRestartPolicy("").name, "always");
    assert.equal(parseRestartPolicy("unless-stopped").name, "unless-stopped");
  });

  it("refuses what is none", () => {
    for (const text of ["sometimes", "always:3", ":3", "on-failure:x", "on-failure:-1"]) {
      assert.throws(() => parseRestartPolicy(text), { code: "invalid_argument" }, text);
    }
  });
});

describe("restartDecision", () => {
  it("leaves containers without the label, and tasks that are in somebody's hands", () => {
    assert.equal(restartDecision({}, stopped(1)), "nothing");
    for (const status of ["created", "running", "pausing", "paused"] as const) {
      assert.equal(restartDecision(labels(), { status }), "nothing", status);
    }
  });

  it("starts by policy and exit code", () => {
    const starts = (policy: string | undefined, code: number): boolean =>
      restartDecision(labels(policy), stopped(code)) === "start";
    assert.deepEqual(
      [starts(undefined, 0), starts("always", 0), starts("unless-stopped", 1)],
      [true, true, true],
    );
    assert.deepEqual(
      [starts("no", 1), starts("on-failure", 0), starts("on-failure", 1)],
      [false, false, true],
    );
  });

  it("counts the failures of on-failure", () => {
    const after = (count: string): string =>
      restartDecision(labels("on-failure:2", { "containerd.io/restart.count": count }), stopped(1));
    assert.deepEqual([after(""), after("1"), after("2")], ["start", "start", "nothing"]);
  });

  it("takes a stop by hand for what it is, until a new daemon starts what is always to run", () => {
    for (const policy of ["always", "unless-stopped", "on-failure"]) {
      assert.equal(restartDecision(labels(policy, byHand), stopped(1)), "nothing", policy);
    }
    assert.equal(restartDecision(labels("always", byHand), undefined, "daemon start"), "start");
    assert.equal(restartDecision(labels("unless-stopped", byHand), undefined, "daemon start"), "nothing");
  });

  it("does not know that a task failed which is not there any more", () => {
    assert.equal(restartDecision(labels("on-failure"), undefined, "daemon start"), "nothing");
    assert.equal(restartDecision(labels("unless-stopped"), undefined, "daemon start"), "start");
  });

  it("stops what is to be stopped", () => {
    const wanted = { "containerd.io/restart.status": "stopped" };
    assert.deepEqual(
      [
        restartDecision(wanted, running),
        restartDecision(wanted, stopped(0)),
        restartDecision(wanted, undefined),
      ],
      ["stop", "nothing", "nothing"],
    );
  });
});
