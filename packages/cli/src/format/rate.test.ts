import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatProgress, Rate } from "./rate.ts";

describe("Rate", () => {
  it("is of the last seconds", () => {
    const rate = new Rate();
    assert.equal(rate.at(0, 100), 0);
    assert.equal(rate.at(1000, 1100), 1000);
    for (let second = 2; second <= 20; second += 1) rate.at(second * 1000, 1100);
    assert.equal(rate.at(21_000, 1100), 0);
  });
});

describe("formatProgress", () => {
  it("says how long it takes when that is known", () => {
    assert.equal(formatProgress(12_000_000, 40_000_000, 4_000_000), "12MB/40MB  4MB/s  7s left");
    assert.equal(formatProgress(0, 40_000_000, 0), "0B/40MB");
    assert.equal(formatProgress(40, 40, 10), "40B/40B");
    assert.equal(formatProgress(0, 7300, 1), "0B/7.3kB  1B/s  2h1m left");
    assert.equal(formatProgress(0, 90, 1), "0B/90B  1B/s  1m30s left");
  });
});
