import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { hasCode } from "@slipway/fault/fault";
import { adoptedExits } from "../support/adopted-exits.ts";
import type { Combination } from "./combinations.ts";
import type { TaskHost, TestTask } from "./host.ts";
import { parentOf } from "./parent-of.ts";

/** The daemon dies, or the shim. */
export function deathTests(host: () => TaskHost, { isSandboxed = false }: Combination): void {
  // runsc waits until its sandbox is gone, an orphan after the shim's death: somebody has to reap it.
  const skip = isSandboxed && !reapsOrphans();
  it("outlives the daemon, which finds it again as it is", async () => {
    const lives = await host().run("trap 'exit 9' TERM; while :; do sleep 0.05; done");
    const ends = await host().run("read line; exit 7", { stdin: true });
    const paused = await host().run("sleep 1000");
    await host().client.tasks.pause(paused.id);
    const exec = await lives.exec("before", ["sh", "-c", "read line; exit 4"], { stdin: true });
    await exec.start();
    await host().restart(async () => {
      // Streams do not go through the daemon.
      for (const { stdio } of [ends, exec]) stdio?.stdin?.write("\n");
      await gone(ends.pid);
    });
    assert.deepEqual([await lives.status(), await paused.status()], ["running", "paused"]);
    await endedMeanwhile(host(), ends, 7);
    assert.equal((await exec.wait()).exitStatus, 4);
    await host().client.tasks.resume(paused.id);
    const another = await lives.exec("after", ["sh", "-c", "exit 5"]);
    await another.start();
    assert.equal((await another.wait()).exitStatus, 5);
    await lives.kill(15);
    assert.equal((await lives.wait()).exitStatus, 9);
    await host().events.first(lives.id, "/tasks/exit");
    await lives.delete();
    await paused.end();
  });

  it("tells what becomes of it when its shim is killed", { skip }, async () => {
    const task = await host().run("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done");
    await task.stdout?.until("ready");
    const waiting = task.wait();
    // Debian's containerd tells those who wait that the shim is gone, and nothing of the task.
    waiting.catch(() => undefined);
    process.kill(parentOf(task.pid), "SIGKILL");
    if (host().combination.outlivesShim) {
      assert.equal(await task.status(), "running");
      assert.ok(existsSync(`/proc/${task.pid}`));
      await task.kill(15);
      const { exitStatus } = await waiting;
      assert.ok(adoptedExits(9).includes(exitStatus), `exit status ${exitStatus}`);
      await task.delete();
      return;
    }
    // containerd's answer to a dead shim: its program's `delete` kills what is left, and the end of that is told.
    const told = await host().events.first(task.id, "/tasks/exit");
    assert.equal(told.fields["exitStatus"], 137);
    await gone(task.pid);
    await assert.rejects(task.delete(), (error) => hasCode(error, "not_found"));
    await host().client.containers.delete(task.id);
    host().forget(task);
  });

  it("leaves nothing", async () => {
    const { namespace, daemon } = host();
    const ids = [
      ...(await host().client.tasks.list()).map(({ containerId }) => containerId),
      ...(await host().client.containers.list()).map(({ id }) => id),
    ];
    assert.deepEqual(ids, []);
    for (const folder of [daemon.state, daemon.root]) {
      const bundles = `${folder}/io.containerd.runtime.v2.task/${namespace}`;
      assert.deepEqual(existsSync(bundles) ? readdirSync(bundles) : [], []);
    }
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    assert.deepEqual(
      mounts.filter((line) => line.includes(daemon.state) && line.includes(namespace)),
      [],
    );
  });
}

/** A task that ended while the daemon was away still tells how, until it is deleted. */
async function endedMeanwhile(host: TaskHost, task: TestTask, exitStatus: number): Promise<void> {
  try {
    assert.equal(await task.status(), "stopped");
  } catch (error) {
    if (host.combination.mayForgetEnded !== true || !hasCode(error, "not_found")) throw error;
    await host.client.containers.delete(task.id);
    host.forget(task);
    return;
  }
  assert.equal((await task.wait()).exitStatus, exitStatus);
  assert.equal((await task.delete()).exitStatus, exitStatus);
}

/** Whether process 1 is an init: a Node that a container was started with is none. */
function reapsOrphans(): boolean {
  return !/^(?:node$|MainThread$|npm )/m.test(readOr("/proc/1/comm"));
}

/** Not our child: there is nothing to wait for but its folder in /proc. */
async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readOr(`/proc/${pid}/status`))) {
    await setTimeout(10);
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
