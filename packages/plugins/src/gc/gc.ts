import { definePlugin } from "@slipway/core/plugin";
import { GcPlugin, MetadataPlugin } from "@slipway/core/plugin-kinds";
import { type Schedule, Scheduler } from "./scheduler.ts";

/** Runs the collector when it is due. */
export const gcPlugin = definePlugin({
  kind: GcPlugin,
  id: "scheduler",
  needs: { stores: MetadataPlugin },
  parseConfig: (table): Schedule => ({
    // Never below zero, as containerd has it.
    pauseThreshold: Math.min(Math.max(table.number("pause_threshold", 0.02), 0), 0.5),
    deletionThreshold: Math.max(table.integer("deletion_threshold", 0), 0),
    mutationThreshold: Math.max(table.integer("mutation_threshold", 100), 0),
    scheduleDelayMs: table.duration("schedule_delay", "0s"),
    startupDelayMs: table.duration("startup_delay", "100ms"),
  }),
  async start({ stores }, schedule, { log }) {
    const scheduler = new Scheduler(stores.garbage, schedule, log);
    return {
      instance: scheduler,
      exports: {
        PauseThreshold: String(schedule.pauseThreshold),
        DeletionThreshold: String(schedule.deletionThreshold),
        MutationThreshold: String(schedule.mutationThreshold),
        ScheduleDelay: `${schedule.scheduleDelayMs}ms`,
      },
      stop: () => scheduler[Symbol.asyncDispose](),
    };
  },
});
