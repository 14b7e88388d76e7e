import { parseDuration } from "@slipway/core/duration";
import { definePlugin } from "@slipway/core/plugin";
import { GcPlugin, MetadataPlugin } from "@slipway/core/plugin-kinds";
import { Fault } from "@slipway/fault/fault";
import { type Schedule, Scheduler } from "./scheduler.ts";

/** Runs the collector when it is due. */
export const gcPlugin = definePlugin({
  kind: GcPlugin,
  id: "scheduler",
  needs: { stores: MetadataPlugin },
  parseConfig: (table): Schedule => ({
    pauseThreshold: Math.min(numberAt(table, "pause_threshold", 0.02), 0.5),
    deletionThreshold: numberAt(table, "deletion_threshold", 0),
    mutationThreshold: numberAt(table, "mutation_threshold", 100),
    scheduleDelayMs: durationAt(table, "schedule_delay", "0s"),
    startupDelayMs: durationAt(table, "startup_delay", "100ms"),
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

type Table = Readonly<Record<string, unknown>>;

/** Never below zero, as containerd has it. */
function numberAt(table: Table, key: string, preset: number): number {
  const value = table[key] ?? preset;
  if (typeof value === "number" || typeof value === "bigint") return Math.max(Number(value), 0);
  throw new Fault("invalid_argument", `${key}: must be a number`);
}

function durationAt(table: Table, key: string, preset: string): number {
  const value = table[key] ?? preset;
  if (typeof value === "string") return parseDuration(value);
  throw new Fault("invalid_argument", `${key}: must be a duration such as "100ms"`);
}
