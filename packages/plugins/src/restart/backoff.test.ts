import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backoff } from "./backoff.ts";

describe("Backoff", () => {
  it("doubles from 100 ms to a minute while the container fails at once", () => {
    const backoff = new Backoff();
    const waits = Array.from({ length: 12 }, () => backoff.next(50));
    assert.deepEqual(waits.slice(0, 4), [100, 200, 400, 800]);
    assert.deepEqual(waits.slice(-2), [60_000, 60_000]);
  });

  it("begins anew after ten seconds of running, or when nobody knows how long it ran", () => {
    const backoff = new Backoff();
    assert.deepEqual([backoff.next(0), backoff.next(9999), backoff.next(10_000)], [100, 200, 100]);
    assert.deepEqual([backoff.next(0), backoff.next(undefined)], [200, 100]);
  });
});
