import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { compareDates, nanosecondsOf, now, parseDate, PreciseDate } from "./precise-date.ts";

/** What clock_gettime(2) says, by another program. */
function systemNanoseconds(): bigint {
  return BigInt(execFileSync("date", ["+%s%N"], { encoding: "utf8" }).trim());
}

function nanosecondsSinceEpoch(date: Date): bigint {
  return BigInt(Math.floor(date.getTime() / 1000)) * 1_000_000_000n + BigInt(nanosecondsOf(date));
}

describe("now", () => {
  it("lies between two looks at the system's clock", () => {
    for (let round = 0; round < 20; round += 1) {
      const before = systemNanoseconds();
      const between = nanosecondsSinceEpoch(now());
      const after = systemNanoseconds();
      assert.ok(before <= between && between <= after, `${before} ${between} ${after}`);
    }
  });

  it("has digits below the millisecond, and never goes back by itself", () => {
    const dates = Array.from({ length: 10_000 }, now);
    assert.ok(dates.some(({ nanoseconds }) => nanoseconds % 1000 !== 0));
    assert.deepEqual(dates, dates.toSorted(compareDates));
  });

  it("follows a clock that was set back, and one that was set forward", ({ mock }) => {
    const real = Date.now;
    for (const shift of [-3_600_000, 3_600_000, 0]) {
      mock.method(Date, "now", () => real() + shift);
      const before = real() + shift;
      const between = now().getTime();
      const after = real() + shift;
      assert.ok(before <= between && between <= after + 1, `${before} ${between} ${after}`);
      mock.restoreAll();
    }
  });

  it("is in milliseconds while a clock stands still", ({ mock }) => {
    mock.method(Date, "now", () => 1_000_000);
    assert.equal(now().toISOString(), "1970-01-01T00:16:40.000000000Z");
  });
});

describe("parseDate", () => {
  it("reads what toISOString writes, and what Go writes", () => {
    const date = new PreciseDate(Date.UTC(2026, 0, 2, 3, 4, 5, 6), 7);
    assert.equal(date.toISOString(), "2026-01-02T03:04:05.006000007Z");
    assert.deepEqual(parseDate(date.toISOString()), date);
    assert.equal(JSON.stringify(date), '"2026-01-02T03:04:05.006000007Z"');
    assert.equal(nanosecondsOf(parseDate("2026-01-02T05:04:05.1234567+02:00")), 123_456_700);
    assert.equal(nanosecondsOf(parseDate("2026-01-02T03:04:05.5Z")), 500_000_000);
    assert.equal(nanosecondsOf(parseDate("1969-12-31T23:59:59.999999999Z")), 999_999_999);
    assert.ok(Number.isNaN(parseDate("yesterday").getTime()));
  });
});
