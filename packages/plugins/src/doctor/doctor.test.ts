import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TableReader } from "@slipway/core/config/table-reader";
import type { FoundLeak, LeakFinder, LeakKind } from "@slipway/core/doctor";
import type { Logger } from "@slipway/core/plugin";
import type { TaskManager } from "@slipway/core/tasks";
import { doctorPlugin } from "./doctor.ts";

/** Leaks that are there until they are removed. */
class Leaks implements LeakFinder {
  readonly left: FoundLeak[] = [];
  readonly ages: number[] = [];

  add(kind: LeakKind, isAlive: boolean, remove?: () => Promise<void>): void {
    const leak: FoundLeak = {
      id: `${kind}:${this.left.length}`,
      kind,
      namespace: "n",
      where: `/${kind}`,
      reason: "for a test",
      isAlive,
      remove: remove ?? (async () => void this.left.splice(this.left.indexOf(leak), 1)),
    };
    this.left.push(leak);
  }

  async find({ leastAgeMs }: { readonly leastAgeMs: number }): Promise<FoundLeak[]> {
    this.ages.push(leastAgeMs);
    return [...this.left];
  }
}

async function start(leaks: LeakFinder, interval: string, log: Logger = silent) {
  const context = { rootDir: "", stateDir: "", log, signal: new AbortController().signal };
  const scoped = (): TaskManager => assert.fail("no task is asked for");
  const runtimes = new Map([
    ["task", { scoped, leaks }],
    ["other", { scoped }],
  ]);
  const config = doctorPlugin.parseConfig(new TableReader({ interval }, "doctor"));
  return await doctorPlugin.start({ runtimes }, config, context);
}

const nothing = (): void => undefined;
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

describe("doctorPlugin", () => {
  it("removes what it is told to, and says what is still there and why", async () => {
    const leaks = new Leaks();
    leaks.add("bundle", false);
    leaks.add("cgroup", false, () => Promise.reject(new Error("busy")));
    leaks.add("shim", true);
    const { instance } = await start(leaks, "0s");
    const options = { leastAgeMs: 0 };
    assert.deepEqual(
      (await instance.examine(options)).map(({ id }) => id),
      ["bundle:0", "cgroup:1", "shim:2"],
    );
    const repaired = await instance.repair(["bundle:0", "cgroup:1", "gone:7"], options);
    assert.deepEqual(
      repaired.map(({ leak, failure }) => [leak.id, failure]),
      [
        ["bundle:0", undefined],
        ["cgroup:1", "busy"],
      ],
    );
    assert.deepEqual(
      leaks.left.map(({ id }) => id),
      ["cgroup:1", "shim:2"],
    );
  });

  it("removes by itself only its own files, when they are a minute old, and names the rest", async () => {
    const leaks = new Leaks();
    leaks.add("container", true);
    leaks.add("cgroup", false);
    const removed = Promise.withResolvers<void>();
    leaks.add("socket", false, async () => {
      leaks.left.splice(2, 1);
      removed.resolve();
    });
    const named: unknown[] = [];
    const log = {
      ...silent,
      warn: (_: string, fields?: Readonly<Record<string, unknown>>) => named.push(fields?.["where"]),
    };
    const started = await start(leaks, "5ms", log);
    await removed.promise;
    await started.stop?.();
    assert.deepEqual(
      leaks.left.map(({ kind }) => kind),
      ["container", "cgroup"],
    );
    assert.deepEqual([...new Set(leaks.ages)], [60_000]);
    assert.deepEqual(named.slice(0, 3), ["/container", "/cgroup", "/socket"]);
  });
});
