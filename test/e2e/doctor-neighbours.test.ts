import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { endAllIn } from "../support/end-all.ts";
import { binFolder, programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeRootfs } from "../support/images.ts";
import { run } from "../support/run.ts";
import { until } from "../support/until.ts";

const namespace = "neighbours";

/** A task that runs and one that has ended. */
async function startTasks(daemon: TestDaemon, prefix = ""): Promise<void> {
  const rootfs = makeRootfs(daemon.folder.join(`${prefix}rootfs`));
  for (const [id, ...args] of [
    ["runs", "/bin/sleep", "1000"],
    ["ended", "/bin/true"],
  ] as const) {
    const started = await daemon.ctr([
      "-n",
      namespace,
      "run",
      "-d",
      "--rootfs",
      rootfs,
      prefix + id,
      ...args,
    ]);
    assert.equal(started.code, 0, started.stderr);
  }
  await until(async () => (await tasks(daemon)).includes(`${prefix}ended STOPPED`));
}

async function tasks(daemon: TestDaemon): Promise<string[]> {
  const { stdout } = await daemon.ctr(["-n", namespace, "tasks", "ls"]);
  const rows = stdout.trim().split("\n").slice(1);
  return rows
    .map((row) =>
      row
        .split(/\s+/)
        .filter((_, at) => at !== 1)
        .join(" "),
    )
    .toSorted();
}

const repair = ["doctor", "--repair", "--force", "--least-age", "0s"];

describe("slipway doctor beside other daemons", () => {
  it("touches nothing of another slipwayd or containerd with the same names", async () => {
    await using own = await TestDaemon.start("slipwayd");
    // Of one name, they would share a cgroup, and one's end would be the other's.
    await startTasks(own, "own-");
    for (const program of programs) {
      await using other = await TestDaemon.start(program);
      await startTasks(other);
      const { code, stdout } = await own.slipway(repair);
      assert.deepEqual([code, stdout], [0, "Nothing was left behind.\n"], program);
      assert.deepEqual(await tasks(other), ["ended STOPPED", "runs RUNNING"]);
      for (const id of ["runs", "ended"]) await other.ctr(["-n", namespace, "tasks", "rm", "--force", id]);
    }
    assert.deepEqual(await tasks(own), ["own-ended STOPPED", "own-runs RUNNING"]);
    for (const id of ["own-runs", "own-ended"])
      await own.ctr(["-n", namespace, "tasks", "rm", "--force", id]);
  });

  it(
    "leaves alone the shims of a containerd whose address it has now",
    { skip: programs.length < 2 },
    async () => {
      await using before = await TestDaemon.start("containerd");
      await startTasks(before);
      await before.stop();
      using folder = new TestFolder("successor");
      await using undo = new AsyncDisposableStack();
      const flags = ["--root", folder.join("r"), "--state", folder.join("s"), "--address", before.address];
      const daemon = spawn(join(binFolder, "slipwayd"), flags, { stdio: ["ignore", "ignore", "pipe"] });
      undo.defer(async () => {
        const ended = once(daemon, "exit");
        daemon.kill("SIGTERM");
        await ended;
        await endAllIn(folder.path);
      });
      for await (const line of createInterface(daemon.stderr)) if (line.includes("booted")) break;
      daemon.stderr.resume();
      const env = { SLIPWAY_ADDRESS: before.address, SLIPWAY_ROOT: folder.join("cli") };
      const { stdout } = await run(join(binFolder, "slipway"), repair, { env });
      assert.equal(stdout, "Nothing was left behind.\n");
      await undo.disposeAsync();
      await before.start();
      assert.deepEqual(await tasks(before), ["ended STOPPED", "runs RUNNING"]);
      for (const id of ["runs", "ended"]) await before.ctr(["-n", namespace, "tasks", "rm", "--force", id]);
    },
  );
});
