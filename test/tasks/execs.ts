import assert from "node:assert/strict";
import { it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import type { Combination } from "./combinations.ts";
import type { TaskHost } from "./host.ts";

/** Processes besides the first one. */
export function execTests(host: () => TaskHost, { isSandboxed = false }: Combination): void {
  it("runs another process, with an end of its own, told in order", async () => {
    const task = await host().run("sleep 1000");
    const exec = await task.exec("one", ["sh", "-c", "cat; echo err >&2; exit 5"], { stdin: true });
    const pid = await exec.start();
    assert.notEqual(pid, task.pid);
    exec.stdio?.stdin?.end("in");
    await host().client.tasks.closeStdin(exec.ref);
    assert.deepEqual(await exec.printed(), ["in", "err\n"]);
    assert.equal((await exec.wait()).exitStatus, 5);
    assert.equal(await exec.status(), "stopped");
    assert.equal((await host().client.tasks.deleteProcess(task.id, "one")).exitStatus, 5);
    await assert.rejects(exec.status(), (error) => hasCode(error, "not_found"));
    await task.end();
    await host().events.first(task.id, "/tasks/delete");
    assert.deepEqual(host().events.topics(task.id), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exec-added one",
      "/tasks/exec-started one",
      "/tasks/exit one",
      "/tasks/exit",
      "/tasks/delete",
    ]);
  });

  it("runs one with a terminal", async () => {
    const task = await host().run("sleep 1000");
    const exec = await task.exec("tty", ["sh", "-c", "read line; stty size; exit 6"], {
      terminal: true,
      stdin: true,
    });
    await exec.start();
    await host().client.tasks.resizePty(exec.ref, { columns: 90, rows: 30 });
    exec.stdio?.stdin?.write("go\n");
    const [output] = await exec.printed();
    assert.match(output ?? "", /30 90\r\n$/);
    assert.equal((await exec.wait()).exitStatus, 6);
    await host().client.tasks.deleteProcess(task.id, "tty");
    await task.end();
  });

  it("kills one and leaves the others", async () => {
    const task = await host().run("sleep 1000");
    const [one, two] = [await task.exec("one", ["sleep", "1000"]), await task.exec("two", ["sleep", "1000"])];
    await Promise.all([one.start(), two.start()]);
    await one.kill(15);
    assert.equal((await one.wait()).exitStatus, 143);
    assert.equal(await two.status(), "running");
    assert.equal(await task.status(), "running");
    await assert.rejects(one.kill(15), (error) => hasCode(error, "not_found"));
    await two.kill(9);
    assert.equal((await two.wait()).exitStatus, 137);
    await task.end();
  });

  it("ends them with the first process, which is told last", async () => {
    const task = await host().run("sleep 1000");
    const exec = await task.exec("one", ["sleep", "1000"]);
    await exec.start();
    await task.kill(9);
    assert.equal((await task.wait()).exitStatus, 137);
    // Of a process that went with its kernel, gVisor says no more than that.
    assert.equal((await exec.wait()).exitStatus, isSandboxed ? 128 : 137);
    await task.delete();
    await host().events.first(task.id, "/tasks/delete");
    assert.deepEqual(host().events.topics(task.id).slice(-3), [
      "/tasks/exit one",
      "/tasks/exit",
      "/tasks/delete",
    ]);
  });

  it("says why one cannot run, and the task goes on", async () => {
    const task = await host().run("sleep 1000");
    const exec = await task.exec("one", ["/bin/nope"]);
    await assert.rejects(exec.start(), /nope/);
    assert.equal(await task.status(), "running");
    const again = await task.exec("two", ["true"]);
    await again.start();
    assert.equal((await again.wait()).exitStatus, 0);
    await task.end();
  });

  it("lists the processes, an exec's by its id", { skip: isSandboxed }, async () => {
    const task = await host().run("sleep 1000 & sleep 1000 & echo ready; wait");
    await task.stdout?.until("ready");
    const exec = await task.exec("one", ["sleep", "1000"]);
    const execPid = await exec.start();
    const processes = await host().client.tasks.pids(task.id);
    const pids = processes.map(({ pid }) => pid);
    assert.equal(pids.length, 4);
    assert.ok(pids.includes(task.pid) && pids.includes(execPid));
    const named = processes.filter(({ info }) => info !== undefined);
    assert.deepEqual(
      named.map(({ pid }) => pid),
      [execPid],
    );
    await task.end();
  });
}
