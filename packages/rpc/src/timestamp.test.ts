import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDate } from "@slipway/fault/precise-date";
import { fromTimestamp, toTimestamp } from "./timestamp.ts";

describe("toTimestamp", () => {
  it("has the nanoseconds that a date has, also before 1970", () => {
    assert.deepEqual(toTimestamp(parseDate("1970-01-01T00:00:01.000000001Z")), { seconds: 1n, nanos: 1 });
    assert.deepEqual(toTimestamp(parseDate("1969-12-31T23:59:59.999999999Z")), {
      seconds: -1n,
      nanos: 999_999_999,
    });
    assert.deepEqual(toTimestamp(new Date(1_700_000_000_123)), {
      seconds: 1_700_000_000n,
      nanos: 123_000_000,
    });
  });
});

describe("fromTimestamp", () => {
  it("gives back what toTimestamp was given", () => {
    for (const text of ["2026-01-02T03:04:05.123456789Z", "1969-12-31T23:59:59.000000001Z"]) {
      assert.equal(fromTimestamp(toTimestamp(parseDate(text))).toISOString(), text);
    }
    assert.equal(fromTimestamp(undefined), undefined);
  });
});
