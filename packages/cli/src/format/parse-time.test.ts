import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTime } from "./parse-time.ts";

describe("parseTime", () => {
  it("reads dates, seconds and times ago", () => {
    const now = new Date("2026-01-01T12:00:00Z");
    assert.equal(parseTime("1h30m", now).toISOString(), "2026-01-01T10:30:00.000Z");
    assert.equal(parseTime("1767268800", now).toISOString(), "2026-01-01T12:00:00.000Z");
    assert.equal(parseTime("2026-01-01", now).toISOString(), "2026-01-01T00:00:00.000Z");
    assert.throws(() => parseTime("yesterday", now), /"yesterday"/);
  });
});
