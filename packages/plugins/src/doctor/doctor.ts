import type {
  Doctor,
  FindLeaksOptions,
  FoundLeak,
  Leak,
  LeakFinder,
  LeakKind,
  RepairedLeak,
} from "@slipway/core/doctor";
import { definePlugin, type Logger } from "@slipway/core/plugin";
import { DoctorPlugin, RuntimePlugin } from "@slipway/core/plugin-kinds";
import { messageOf } from "@slipway/fault/fault";

/** Finds what crashes left behind when it is asked, and looks by itself from time to time. */
export const doctorPlugin = definePlugin({
  kind: DoctorPlugin,
  id: "doctor",
  needs: { runtimes: RuntimePlugin },
  parseConfig: (table) => ({ intervalMs: table.duration("interval", "10m") }),
  async start({ runtimes }, { intervalMs }, { log }) {
    const finders = [...runtimes.values()].map(({ leaks }) => leaks).filter((leaks) => leaks !== undefined);
    const doctor = new LeakDoctor(finders);
    const rounds =
      intervalMs === 0 ? undefined : setInterval(() => void round(doctor, log), intervalMs).unref();
    return { instance: doctor, stop: async () => clearInterval(rounds) };
  },
});

/** In milliseconds. */
const OLD_ENOUGH = { leastAgeMs: 60_000 };
/** What the daemon removes without being asked: its own files, that nothing uses. */
const ownFiles: readonly LeakKind[] = ["bundle", "work", "socket"];

/** One look of the daemon's own: what is certain is removed, the rest is for a human to decide. */
async function round(doctor: Doctor, log: Logger): Promise<void> {
  try {
    const leaks = await doctor.examine(OLD_ENOUGH);
    const certain = leaks.filter(({ kind, isAlive }) => !isAlive && ownFiles.includes(kind));
    for (const { kind, where, reason } of leaks) {
      log.warn("found something that was left behind: slipway doctor", { kind, where, reason });
    }
    const ids = certain.map(({ id }) => id);
    for (const { leak, failure } of ids.length === 0 ? [] : await doctor.repair(ids, OLD_ENOUGH)) {
      if (failure !== undefined)
        log.warn("cannot remove what was left behind", { where: leak.where, failure });
      else log.info("removed what was left behind", { kind: leak.kind, where: leak.where });
    }
  } catch (error) {
    log.warn("cannot look for what was left behind", { error: messageOf(error) });
  }
}

class LeakDoctor implements Doctor {
  readonly #finders: readonly LeakFinder[];

  constructor(finders: readonly LeakFinder[]) {
    this.#finders = finders;
  }

  async examine(options: FindLeaksOptions): Promise<Leak[]> {
    return await this.#find(options);
  }

  async repair(ids: readonly string[], options: FindLeaksOptions): Promise<RepairedLeak[]> {
    const leaks = (await this.#find(options)).filter(({ id }) => ids.includes(id));
    const repaired: RepairedLeak[] = [];
    // One after the other: a container's processes end before its cgroup goes.
    for (const leak of leaks) {
      try {
        await leak.remove();
        repaired.push({ leak });
      } catch (error) {
        repaired.push({ leak, failure: messageOf(error) });
      }
    }
    return repaired;
  }

  async #find(options: FindLeaksOptions): Promise<FoundLeak[]> {
    return (await Promise.all(this.#finders.map((finder) => finder.find(options)))).flat();
  }
}
