import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { isOwnShim } from "./own-shim.ts";
import { TestDaemon } from "./daemon.ts";
import { makeRootfs } from "./images.ts";
import { belongings, leaks } from "./leaks.ts";
import type { Result } from "./run.ts";
import { SoakEvents } from "./soak-events.ts";

const CLIENTS = 3;
const healthy = "Nothing was left behind.\n";
/** A ctr that has not answered by then hangs. */
const HANG_MS = 30_000;

/**
 * Kills the daemon again and again while clients start, enter, kill and remove containers. After each time: what was
 * told to run runs, what ended has its exit code, every end was told once to a client that came again after each kill, and
 * when all is removed nothing is left.
 * @param moments when to kill it in each round, in milliseconds
 */
export async function soak(moments: Iterable<number>, note: (line: string) => void): Promise<void> {
  await using daemon = await TestDaemon.start("slipwayd");
  const rootfs = makeRootfs(daemon.folder.join("rootfs"));
  const namespace = `soak-${process.pid}`;
  const ctr = async (...args: readonly string[]): Promise<Result> => {
    const answer = daemon.ctr(["-n", namespace, ...args]);
    const timer = new AbortController();
    const hung = setTimeout(HANG_MS, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`ctr ${args.join(" ")} hangs`);
    });
    hung.catch(() => undefined);
    try {
      return await Promise.race([answer, hung]);
    } finally {
      timer.abort();
    }
  };
  const run = (id: string, script: string): Promise<Result> =>
    ctr("run", "-d", "--rootfs", "--env", "PATH=/bin", rootfs, id, "/bin/sh", "-c", script);
  const ids = async (kind: string): Promise<string[]> =>
    (await ctr(kind, "ls", "-q")).stdout.split("\n").filter(Boolean);

  const examined = (): Promise<Result> => daemon.slipway(["doctor", "--least-age", "0s"]);
  await using ends = new SoakEvents(daemon.address, namespace);

  let count = 0;
  for (const afterMs of moments) {
    const before = belongings(daemon.folder.path);
    const running = new Set<string>();
    const ending = new Set<string>();
    const killed = new AbortController();
    const client = async (name: string): Promise<void> => {
      while (!killed.signal.aborted) {
        const id = `${name}-${(count += 1)}`;
        if ((await run(id, "sleep 1000")).code !== 0) continue;
        running.add(id);
        await ctr("tasks", "exec", "--exec-id", "e", id, "/bin/true");
        const end = `${id}-end`;
        if ((await run(end, "sleep 0.2; exit 7")).code === 0) ending.add(end);
        if (killed.signal.aborted) return;
        // From here on it may be there or not.
        running.delete(id);
        await ctr("tasks", "kill", "-s", "SIGKILL", id);
        await ctr("tasks", "rm", "-f", id);
        await ctr("containers", "rm", id);
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) => client(`c${index}`));
    await setTimeout(afterMs);
    await daemon.stop("SIGKILL");
    killed.abort();
    await Promise.all(clients);
    await daemon.start();

    // What runs is not taken for a leak, and what the killed daemon had begun is not left.
    assert.equal((await examined()).stdout, healthy);
    const listed = (await ctr("tasks", "ls")).stdout;
    for (const id of running)
      assert.match(listed, new RegExp(`^${id}\\s+\\d+\\s+RUNNING`, "m"), `${id} is lost`);
    for (const id of ending) {
      while (!new RegExp(`^${id}\\s+\\d+\\s+STOPPED`, "m").test((await ctr("tasks", "ls")).stdout)) {
        assert.match((await ctr("tasks", "ls")).stdout, new RegExp(`^${id}\\s`, "m"), `${id} is lost`);
      }
      assert.match((await ctr("tasks", "rm", id)).stderr, /exit code 7/);
    }
    for (const id of ending) await ends.expect(id, 7);
    for (const id of await ids("tasks")) await ctr("tasks", "rm", "-f", id);
    for (const id of await ids("containers")) await ctr("containers", "rm", id);

    assert.deepEqual([...(await ids("tasks")), ...(await ids("containers"))], []);
    assert.equal((await examined()).stdout, healthy);
    const left = leaks(before, belongings(daemon.folder.path)).filter(
      (line) => line.includes(namespace) && !line.endsWith(`/${namespace}`) && !isOwnShim(line),
    );
    assert.deepEqual(left, []);
    for (const folder of [
      `${daemon.state}/io.containerd.runtime.v2.task/${namespace}`,
      `${daemon.root}/io.containerd.runtime.v2.task/${namespace}`,
      `${daemon.state}/runc/${namespace}`,
    ]) {
      assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], [], folder);
    }
    const told = await ends.settle();
    note(
      `killed after ${afterMs} ms: ${running.size} running and ${ending.size} ended, all found again; ${told} ends told once`,
    );
  }
}
