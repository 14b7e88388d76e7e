import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { TableReader } from "@slipway/core/config/table-reader";
import type { CollectionStats, GarbageCollector } from "@slipway/core/gc";
import { quiet } from "../metadata/testing/fixture.ts";
import { gcPlugin } from "./gc.ts";
import { type Schedule, Scheduler } from "./scheduler.ts";

/** Counts collections, and says when there was one more. */
class Garbage implements GarbageCollector {
  count = 0;
  mutate: (dirty: boolean) => void = () => undefined;
  #next = Promise.withResolvers<void>();

  async collect(): Promise<CollectionStats> {
    this.count++;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
    return { elapsedMs: 1 };
  }

  onMutation(listener: (dirty: boolean) => void): void {
    this.mutate = listener;
  }

  async next(): Promise<void> {
    await this.#next.promise;
  }
}

const defaults = gcPlugin.parseConfig(new TableReader({}, "gc"));

async function scheduled(
  schedule: Partial<Schedule>,
  work: (garbage: Garbage) => Promise<void> | void,
): Promise<void> {
  const garbage = new Garbage();
  await using _scheduler = new Scheduler(garbage, { ...defaults, startupDelayMs: 0, ...schedule }, quiet);
  // The scheduler keeps no process alive; a test that waits has to.
  const alive = setInterval(() => undefined, 1_000);
  try {
    await work(garbage);
  } finally {
    clearInterval(alive);
  }
}

describe("Scheduler", () => {
  it("collects after the start", async () => {
    await scheduled({ startupDelayMs: 1 }, async (garbage) => await garbage.next());
  });

  it("collects after a deletion, and again after the next one", async () => {
    await scheduled({}, async (garbage) => {
      garbage.mutate(true);
      await garbage.next();
      garbage.mutate(true);
      await garbage.next();
      assert.equal(garbage.count, 2);
    });
  });

  it("collects after many changes, not after a few", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      await scheduled({ mutationThreshold: 3 }, (garbage) => {
        garbage.mutate(false);
        garbage.mutate(false);
        mock.timers.tick(100_000);
        assert.equal(garbage.count, 0);
        garbage.mutate(false);
        mock.timers.tick(1);
        assert.equal(garbage.count, 1);
      });
    } finally {
      mock.timers.reset();
    }
  });

  it("waits for as many deletions as it is told, but not for ever", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      await scheduled({ deletionThreshold: 3 }, (garbage) => {
        garbage.mutate(true);
        garbage.mutate(true);
        mock.timers.tick(1);
        assert.equal(garbage.count, 0);
        garbage.mutate(true);
        mock.timers.tick(1);
        assert.equal(garbage.count, 1);
      });
      await scheduled({ deletionThreshold: 3 }, (garbage) => {
        garbage.mutate(true);
        mock.timers.tick(10_000);
        assert.equal(garbage.count, 1);
      });
    } finally {
      mock.timers.reset();
    }
  });
});

describe("gcPlugin", () => {
  it("reads containerd's table", () => {
    const read = (table: object): Schedule => gcPlugin.parseConfig(new TableReader(table, "gc"));
    assert.deepEqual(
      read({
        pause_threshold: 0.9,
        deletion_threshold: -1,
        mutation_threshold: 7,
        schedule_delay: "1s500ms",
        startup_delay: "0s",
      }),
      {
        pauseThreshold: 0.5,
        deletionThreshold: 0,
        mutationThreshold: 7,
        scheduleDelayMs: 1_500,
        startupDelayMs: 0,
      },
    );
    assert.throws(() => read({ startup_delay: 5 }), /"gc\.startup_delay": expected a duration/);
  });
});
