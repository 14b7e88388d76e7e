import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { releaseMemoryWhenIdle } from "./idle-memory.ts";

describe("releaseMemoryWhenIdle", () => {
  it("looks again later when there is no file descriptor to look with", { timeout: 30_000 }, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const rss = mock.method(process.memoryUsage, "rss", () => {
      if (rss.mock.callCount() >= 1) resolve();
      throw Object.assign(new Error("EMFILE: too many open files, uv_resident_set_memory"), {
        code: "EMFILE",
      });
    });
    // Its own timer does not keep a process alive.
    const alive = setInterval(() => {}, 1000);
    releaseMemoryWhenIdle(5);
    await promise;
    clearInterval(alive);
    rss.mock.mockImplementation(() => 0);
    assert.ok(rss.mock.callCount() >= 1);
  });
});
