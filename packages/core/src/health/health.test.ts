import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatHealthState,
  type HealthCheck,
  healthCheckOf,
  type HealthState,
  healthStateOf,
  nextHealth,
  probeWaitMs,
} from "./health.ts";

const started = new Date("2026-01-01T00:00:00Z");
const after = (seconds: number): Date => new Date(started.getTime() + seconds * 1000);
const starting: HealthState = { status: "starting", failingStreak: 0 };

function check(config: object): HealthCheck | undefined {
  return healthCheckOf({ "nerdctl/healthcheck": JSON.stringify(config) });
}

describe("healthCheckOf", () => {
  it("reads Docker's configuration and fills in its defaults", () => {
    assert.deepEqual(check({ Test: ["CMD-SHELL", "test -e /ready"], Interval: 2e9, Retries: 1 }), {
      command: ["/bin/sh", "-c", "test -e /ready"],
      intervalMs: 2000,
      timeoutMs: 30_000,
      retries: 1,
      startPeriodMs: 0,
      startIntervalMs: 5000,
    });
    assert.deepEqual(check({ Test: ["CMD", "probe", "-q"] })?.command, ["probe", "-q"]);
  });

  it("gives nothing where nothing is checked", () => {
    for (const config of [
      { Test: ["NONE"] },
      { Test: [] },
      {},
      { Test: ["CMD"] },
      { Test: ["CMD-SHELL", " "] },
    ]) {
      assert.equal(check(config), undefined, JSON.stringify(config));
    }
    assert.equal(healthCheckOf({ "nerdctl/healthcheck": "no JSON" }), undefined);
    assert.equal(healthCheckOf({}), undefined);
  });
});

describe("healthStateOf", () => {
  it("reads what was written", () => {
    const state: HealthState = { status: "unhealthy", failingStreak: 4, lastProbeAt: after(3) };
    assert.deepEqual(healthStateOf({ "nerdctl/healthstate": formatHealthState(state) }), state);
    assert.equal(healthStateOf({ "nerdctl/healthstate": '{"Status":"none"}' }), undefined);
  });
});

describe("nextHealth", () => {
  const rule = { retries: 2, startPeriodMs: 10_000 };
  const failed = (seconds: number): { start: Date; exitCode: number } => ({
    start: after(seconds),
    exitCode: 1,
  });

  it("does not count failures of the start period, until a probe succeeds", () => {
    const early = nextHealth(starting, rule, failed(5), 5_000);
    assert.deepEqual([early.status, early.failingStreak], ["starting", 0]);
    const healthy = nextHealth(early, rule, { start: after(6), exitCode: 0 }, 6_000);
    assert.equal(healthy.status, "healthy");
    assert.equal(nextHealth(healthy, rule, failed(7), 7_000).failingStreak, 1);
  });

  it("becomes unhealthy after as many failures as retries, and healthy again at once", () => {
    const once = nextHealth(starting, rule, failed(11), 11_000);
    assert.deepEqual([once.status, once.failingStreak], ["starting", 1]);
    const twice = nextHealth(once, rule, failed(12), 12_000);
    assert.deepEqual([twice.status, twice.failingStreak], ["unhealthy", 2]);
    const again = nextHealth(twice, rule, { start: after(13), exitCode: 0 }, 13_000);
    assert.deepEqual([again.status, again.failingStreak], ["healthy", 0]);
  });
});

describe("probeWaitMs", () => {
  it("is the start interval while the container starts", () => {
    const timed = check({ Test: ["CMD", "x"], Interval: 30e9, StartPeriod: 60e9, StartInterval: 1e9 });
    assert.ok(timed);
    assert.equal(probeWaitMs(starting, timed, 5000), 1000);
    assert.equal(probeWaitMs(starting, timed, 60_000), 30_000);
    assert.equal(probeWaitMs({ status: "healthy" }, timed, 5000), 30_000);
  });
});
