import assert from "node:assert/strict";
import { it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import type { Combination } from "./combinations.ts";
import type { TaskHost } from "./host.ts";

/** What containerd's own shim says of a task that it cannot start: the shape, as the words are the runtime's. */
const cannotRun = /nope.*(?:no such file|not found)/is;

/** Create, start, wait, kill, delete: what every task goes through, and what is refused. */
export function lifeTests(host: () => TaskHost, { isSandboxed = false }: Combination): void {
  it("goes from created to running to stopped, and tells each step once, in order", async () => {
    const task = await host().create("exit 42");
    assert.equal(await task.status(), "created");
    assert.equal(await task.start(), task.pid);
    const exit = await task.wait();
    assert.equal(exit.exitStatus, 42);
    assert.ok(Math.abs(Date.now() - exit.exitedAt.getTime()) < 60_000);
    assert.equal(await task.status(), "stopped");
    // Waiting for what has ended is no mistake.
    assert.deepEqual(await task.wait(), exit);
    const deleted = await task.delete();
    assert.deepEqual([deleted.pid, deleted.exitStatus], [task.pid, 42]);
    const last = await host().events.first(task.id, "/tasks/delete");
    assert.deepEqual(host().events.topics(task.id), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
    ]);
    assert.deepEqual([last.fields["pid"], last.fields["exitStatus"]], [task.pid, 42]);
  });

  it("ends by the signal that it is sent, or as its trap says", async () => {
    const killed = await host().run("sleep 1000");
    await killed.kill(9);
    assert.equal((await killed.wait()).exitStatus, 137);
    await assert.rejects(killed.kill(9), (error) => hasCode(error, "not_found"));
    await killed.delete();
    const trapped = await host().run("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    await trapped.stdout?.until("ready");
    await trapped.kill(15);
    assert.equal((await trapped.wait()).exitStatus, 7);
    await trapped.delete();
  });

  it("ends with all of its processes when all are killed", async () => {
    const task = await host().run("sleep 1000 & sleep 1000 & echo ready; wait");
    await task.stdout?.until("ready");
    await task.kill(9, { all: true });
    assert.equal((await task.wait()).exitStatus, 137);
    await task.delete();
  });

  it("may be killed before its program is started", async () => {
    const task = await host().create("exit 0");
    await task.kill(9);
    assert.equal((await task.wait()).exitStatus, 137);
    await task.delete();
  });

  it("may be deleted before its program is started", async () => {
    const task = await host().create("exit 0");
    await task.delete();
    await assert.rejects(task.status(), (error) => hasCode(error, "not_found"));
  });

  it("is paused and resumed", async () => {
    const task = await host().run("while :; do echo tick; sleep 0.05; done");
    await task.stdout?.until("tick");
    const { tasks } = host().client;
    await tasks.pause(task.id);
    assert.equal(await task.status(), "paused");
    await assert.rejects(task.exec("paused", ["true"]), /cannot exec in a paused state/);
    await tasks.resume(task.id);
    assert.equal(await task.status(), "running");
    await task.end();
    await host().events.first(task.id, "/tasks/delete");
    assert.deepEqual(host().events.topics(task.id), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/paused",
      "/tasks/resumed",
      "/tasks/exit",
      "/tasks/delete",
    ]);
  });

  it("dies while it is paused", { skip: isSandboxed }, async () => {
    const task = await host().run("sleep 1000");
    await host().client.tasks.pause(task.id);
    await task.kill(9);
    // containerd's own shim does not thaw by itself, ours does: both have to end once it is resumed.
    await host()
      .client.tasks.resume(task.id)
      .catch(() => undefined);
    assert.equal((await task.wait()).exitStatus, 137);
    await task.delete();
  });

  it("says why its program cannot run, and leaves nothing", async () => {
    await assert.rejects(async () => {
      const task = await host().createArgs(["/bin/nope"]);
      // Runtimes differ in when they look for the program.
      try {
        await task.start();
      } finally {
        await task.delete();
      }
    }, cannotRun);
    assert.deepEqual(await host().client.tasks.list(), []);
  });

  it("refuses what cannot be", async () => {
    const { client } = host();
    const task = await host().run("sleep 1000");
    const refused = async (call: Promise<unknown>, code: Parameters<typeof hasCode>[1]): Promise<void> => {
      await assert.rejects(call, (error) => hasCode(error, code));
    };
    await refused(client.tasks.create(task.id, { rootfs: [], io: noIo }), "already_exists");
    await assert.rejects(client.tasks.delete(task.id), /cannot delete a running process/);
    await refused(client.tasks.deleteProcess(task.id, "none"), "not_found");
    await refused(client.tasks.kill({ containerId: task.id, execId: "none" }, 9), "not_found");
    await refused(client.tasks.start({ containerId: "none" }), "not_found");
    await refused(client.tasks.wait({ containerId: "none" }), "not_found");
    await refused(task.exec("-bad-", ["true"]), "invalid_argument");
    await task.end();
  });
}

const noIo = { stdin: "", stdout: "", stderr: "", terminal: false };
