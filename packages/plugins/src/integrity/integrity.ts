import { definePlugin } from "@slipway/core/plugin";
import {
  EventPlugin,
  IntegrityPlugin,
  MetadataPlugin,
  SnapshotterPlugin,
  StorePlugin,
} from "@slipway/core/plugin-kinds";
import type { BackgroundSchedule } from "./background-check.ts";
import type { PacedChecker } from "./checker.ts";

/** Says whether stored images are what they were: when asked, and by itself every now and then if it is told to. */
export const integrityPlugin = definePlugin({
  kind: IntegrityPlugin,
  id: "checker",
  needs: { stores: MetadataPlugin, snapshotters: SnapshotterPlugin, events: EventPlugin, store: StorePlugin },
  parseConfig: (table): BackgroundSchedule => ({
    intervalMs: table.duration("interval", "0s"),
    bytesPerSecond: table.integer("bytes_per_second", 32 << 20, { least: 0 }),
  }),
  async start({ stores, snapshotters, events, store }, schedule, { log }) {
    const verifying = [...snapshotters].filter(([, snapshotter]) => "verify" in snapshotter);
    const names = verifying.map(([name]) => name);
    const checker: PacedChecker = {
      async *check(namespace, images, options) {
        // Seldom asked for: a start need not load it.
        const { Checker } = await import("./checker.ts");
        yield* new Checker({ stores, snapshotters: names, events, log }).check(namespace, images, options);
      },
    };
    if (schedule.intervalMs <= 0) return { instance: checker };
    const { BackgroundCheck } = await import("./background-check.ts");
    const background = new BackgroundCheck({ checker, stores, store, log }, schedule);
    return { instance: checker, stop: () => background[Symbol.asyncDispose]() };
  },
});
