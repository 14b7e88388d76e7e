import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate } from "node:timers/promises";
import { BandwidthLimit } from "./bandwidth.ts";

describe("BandwidthLimit", () => {
  // A day for a few bytes: what this machine takes for the test itself does not count.
  const day = 86_400_000;
  const limit = (): BandwidthLimit => new BandwidthLimit((1000 * 100) / day);

  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  /** What has come through, in order. */
  async function passed(passing: readonly Promise<void>[]): Promise<readonly boolean[]> {
    const done = passing.map(() => false);
    passing.forEach((one, index) => void one.then(() => (done[index] = true)));
    await setImmediate();
    return done;
  }

  it("lets the first through at once, and each later one when those before it have had their time", async () => {
    const shared = limit();
    const passing = [100, 200, 50].map(async (bytes) => await shared.take(bytes));
    assert.deepEqual(await passed(passing), [true, false, false]);
    mock.timers.tick(day / 2);
    assert.deepEqual(await passed(passing), [true, false, false]);
    mock.timers.tick(day);
    assert.deepEqual(await passed(passing), [true, true, false]);
    mock.timers.tick(2 * day);
    assert.deepEqual(await passed(passing), [true, true, true]);
  });

  it("waits no longer for one who gives up", async () => {
    const shared = limit();
    await shared.take(100);
    const giving = new AbortController();
    const taken = shared.take(1, giving.signal);
    giving.abort();
    await assert.rejects(taken, { name: "AbortError" });
  });
});
