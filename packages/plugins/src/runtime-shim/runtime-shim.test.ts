import assert from "node:assert/strict";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { TableReader } from "@slipway/core/config/table-reader";
import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import { parseRuntimeConfig } from "./config.ts";
import { noIo, processSpec, TestRuntime } from "./testing/runtime.ts";

const life = ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"];
const execSpec = (...args: readonly string[]) => ({
  typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
  value: Buffer.from(JSON.stringify(processSpec(args))),
});
const foreign = "io.containerd.runc.v2";
const isInstalled = existsSync("/usr/bin/containerd-shim-runc-v2");

const suites = [
  { name: "in our own shim", table: {}, skip: false, isAdopted: true },
  {
    name: "in containerd's shim",
    table: { shim_binaries: { [foreign]: "/usr/bin/containerd-shim-runc-v2" } },
    skip: !isInstalled,
    isAdopted: false,
  },
];

for (const { name, table, skip, isAdopted } of suites) {
  describe(`a task ${name}`, { skip }, () => {
    const runtime = new TestRuntime(table);
    before(() => runtime.start());
    after(() => runtime.end());

    it("deletes a task once for all who do it at the same time", async () => {
      const { tasks } = runtime;
      const containerId = runtime.container(["true"]);
      await tasks.create(containerId, { rootfs: [], io: noIo });
      const waiting = tasks.wait({ containerId });
      await tasks.start({ containerId });
      await waiting;
      const exits = await Promise.all([tasks.delete(containerId), tasks.delete(containerId)]);
      assert.deepEqual(exits[0], exits[1]);
      assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
    });

    it("lives as containerd's does, and tells it once", async () => {
      const { tasks } = runtime;
      const containerId = runtime.container(["sh", "-c", "echo out; exit 7"]);
      const stdout = runtime.fifo();
      const output = text(createReadStream(stdout));
      const pid = await tasks.create(containerId, {
        rootfs: [],
        io: { ...noIo, stdout, stderr: runtime.stderr },
      });
      const created = await tasks.get({ containerId });
      assert.deepEqual([created.status, created.pid, created.io.stdout], ["created", pid, stdout]);
      const bundle = runtime.bundle(containerId);
      assert.ok(readdirSync(bundle).includes("bootstrap.json"));
      assert.ok(existsSync(readlinkSync(join(bundle, "work"))));

      const waiting = tasks.wait({ containerId });
      assert.equal(await tasks.start({ containerId }), pid);
      assert.equal((await waiting).exitStatus, 7);
      assert.equal((await tasks.get({ containerId })).exit?.exitStatus, 7);
      assert.equal((await tasks.delete(containerId)).exitStatus, 7);
      assert.equal(await output, "out\n");
      assert.ok(!existsSync(bundle));
      assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
      await assert.rejects(tasks.get({ containerId }), {
        code: "not_found",
        message: `task ${containerId} not found`,
      });
    });

    it("runs execs, is paused, resumed and killed", async () => {
      const { tasks } = runtime;
      const containerId = await runtime.sleeper();
      const stdout = runtime.fifo();
      const output = text(createReadStream(stdout));
      const exec = { containerId, execId: "one" };
      await tasks.exec(containerId, "one", {
        io: { ...noIo, stdout, stderr: runtime.stderr },
        spec: execSpec("sh", "-c", "echo inside; exit 3"),
      });
      await assert.rejects(tasks.exec(containerId, "one", { io: noIo, spec: execSpec("true") }), {
        code: "already_exists",
        message: /^id one/,
      });
      const pid = await tasks.start(exec);
      const ended = await tasks.wait(exec);
      assert.deepEqual([ended.exitStatus, ended.pid], [3, pid]);
      assert.equal(await output, "inside\n");
      await tasks.deleteProcess(containerId, "one");

      assert.ok((await tasks.metrics(containerId)).typeUrl.includes("Metrics"));
      assert.equal((await tasks.pids(containerId)).length, 1);
      await tasks.pause(containerId);
      assert.equal((await tasks.get({ containerId })).status, "paused");
      await tasks.resume(containerId);
      await assert.rejects(tasks.delete(containerId), /cannot delete a running process/);
      await tasks.kill({ containerId }, 9);
      assert.equal((await tasks.wait({ containerId })).exitStatus, 137);
      await assert.rejects(tasks.kill({ containerId }, 9), {
        code: "not_found",
        message: /process already finished/,
      });
      await tasks.delete(containerId);
    });

    it("refuses a second of its name, and one without a container", async () => {
      const { tasks } = runtime;
      const containerId = await runtime.sleeper();
      await assert.rejects(tasks.create(containerId, { rootfs: [], io: noIo }), {
        code: "already_exists",
        message: `task ${containerId}: already exists`,
      });
      await assert.rejects(tasks.create("none", { rootfs: [], io: noIo }), {
        code: "not_found",
        message: 'container "none" in namespace "test": not found',
      });
      await tasks.kill({ containerId }, 9);
      await tasks.wait({ containerId });
      await tasks.delete(containerId);
    });

    it("leaves nothing behind when its program is missing", async () => {
      const { tasks } = runtime;
      const containerId = runtime.container(["nope"]);
      await assert.rejects(tasks.create(containerId, { rootfs: [], io: noIo }), {
        code: "unknown",
        message:
          /^failed to create shim task: OCI runtime create failed: .*"nope": executable file not found/,
      });
      assert.ok(!existsSync(runtime.bundle(containerId)));
      await assert.rejects(tasks.get({ containerId }), { code: "not_found" });
    });

    it("is found again by the next daemon, also when it ended meanwhile", async () => {
      const [running, ended] = [await runtime.sleeper(), await runtime.sleeper()];
      const { pid } = await runtime.tasks.get({ containerId: ended });
      await runtime.stop();
      process.kill(pid, "SIGKILL");
      await runtime.start();
      const { tasks } = runtime;
      assert.equal((await tasks.get({ containerId: running })).status, "running");
      assert.equal((await tasks.wait({ containerId: ended })).exitStatus, 137);
      assert.deepEqual(await runtime.topics(ended, "/tasks/exit"), life.slice(0, 3));
      await tasks.delete(ended);
      await tasks.kill({ containerId: running }, 9);
      await tasks.wait({ containerId: running });
      await tasks.delete(running);
      assert.deepEqual(await runtime.topics(running, "/tasks/delete"), life);
    });

    if (isAdopted) {
      it("goes on in another shim when its own is killed, and its end is told once", async () => {
        const { tasks } = runtime;
        const containerId = await runtime.sleeper();
        const { pid } = await tasks.get({ containerId });
        const waiting = tasks.wait({ containerId });
        process.kill(shimOf(pid), "SIGKILL");
        // Whichever shim it was when this was asked.
        await tasks.get({ containerId });
        assert.ok(runs(pid));
        await tasks.kill({ containerId }, 9);
        assert.equal((await waiting).exitStatus, 137);
        assert.deepEqual(await runtime.topics(containerId, "/tasks/exit"), life.slice(0, 3));
        const exit = runtime.events.findLast(({ topic }) => topic === "/tasks/exit");
        assert.equal(fromBinary(TaskExitSchema, exit?.event.value ?? new Uint8Array()).pid, pid);
        await tasks.delete(containerId);
        assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
        assert.ok(!existsSync(runtime.bundle(containerId)));
      });

      it("goes on in another shim when its own died while the daemon was away", async () => {
        const containerId = await runtime.sleeper();
        const { pid } = await runtime.tasks.get({ containerId });
        await runtime.stop();
        process.kill(shimOf(pid), "SIGKILL");
        await runtime.start();
        const { tasks } = runtime;
        assert.equal((await tasks.get({ containerId })).pid, pid);
        await tasks.kill({ containerId }, 15);
        await tasks.kill({ containerId }, 9);
        assert.equal((await tasks.wait({ containerId })).exitStatus, 137);
        await tasks.delete(containerId);
        assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
      });
    } else {
      it("is cleaned up after when its shim is killed, and its end is told", async () => {
        const { tasks } = runtime;
        const containerId = await runtime.sleeper();
        const { pid } = await tasks.get({ containerId });
        const waiting = tasks.wait({ containerId });
        process.kill(shimOf(pid), "SIGKILL");
        assert.equal((await waiting).exitStatus, 137);
        assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
        const exit = runtime.events.findLast(({ topic }) => topic === "/tasks/exit");
        assert.equal(fromBinary(TaskExitSchema, exit?.event.value ?? new Uint8Array()).pid, pid);
        assert.ok(!runs(pid));
        assert.ok(!existsSync(runtime.bundle(containerId)));
      });

      it("is cleaned up after when its shim died while the daemon was away", async () => {
        const containerId = await runtime.sleeper();
        const { pid } = await runtime.tasks.get({ containerId });
        await runtime.stop();
        process.kill(shimOf(pid), "SIGKILL");
        await runtime.start();
        assert.deepEqual(await runtime.topics(containerId, "/tasks/delete"), life);
        assert.deepEqual(await runtime.tasks.list(), []);
        assert.ok(!runs(pid));
      });
    }
  });
}

/** A process that ended may be a zombie until the machine's init looks. */
function runs(pid: number): boolean {
  const path = `/proc/${pid}/status`;
  return existsSync(path) && !/^State:\s+Z/m.test(readFileSync(path, "utf8"));
}

/** The process that has a container's init as its child. */
function shimOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

describe("a shim that is slower than the daemon waits", () => {
  // As on a machine that is busy with other things.
  const runtime = new TestRuntime(
    {},
    { "io.containerd.timeout.shim.load": 1, "io.containerd.timeout.shim.shutdown": 1 },
  );
  before(() => runtime.start());
  after(() => runtime.end());

  it("keeps its containers when the daemon is started again", async () => {
    const containerId = await runtime.sleeper();
    const { pid } = await runtime.tasks.get({ containerId });
    process.kill(shimOf(pid), "SIGSTOP");
    await runtime.stop();
    await runtime.start();
    const listed = (await runtime.tasks.list()).map((task) => [task.containerId, task.pid, task.status]);
    assert.deepEqual(listed, [[containerId, pid, "unknown"]]);
    process.kill(shimOf(pid), "SIGCONT");
    const { status, pid: found } = await runtime.tasks.get({ containerId });
    assert.deepEqual([status, found], ["running", pid]);
    await runtime.tasks.kill({ containerId }, 9);
    assert.equal((await runtime.tasks.wait({ containerId })).exitStatus, 137);
    await runtime.tasks.delete(containerId);
  });

  it("takes over those of one that was killed", async () => {
    const containerId = await runtime.sleeper();
    const { pid } = await runtime.tasks.get({ containerId });
    process.kill(shimOf(pid), "SIGKILL");
    const { status, pid: found } = await runtime.tasks.get({ containerId });
    assert.deepEqual([status, found], ["running", pid]);
  });
});

describe("our own shims", () => {
  const runtime = new TestRuntime({ containers_per_shim: 2 });
  before(() => runtime.start());
  after(() => runtime.end());
  const shimOfTask = async (containerId: string): Promise<number> =>
    shimOf((await runtime.tasks.get({ containerId })).pid);

  it("hold as many containers as the configuration says, also after a restart", async () => {
    const ids = [await runtime.sleeper(), await runtime.sleeper(), await runtime.sleeper()];
    const [first, second, third] = await Promise.all(ids.map(shimOfTask));
    assert.equal(first, second);
    assert.notEqual(first, third);
    await runtime.stop();
    await runtime.start();
    const [fourth, fifth] = [await runtime.sleeper(), await runtime.sleeper()];
    assert.equal(await shimOfTask(fourth), third);
    assert.ok(![first, third].includes(await shimOfTask(fifth)));
  });

  it("have nothing of a task that the daemon was killed in before it was told to them, or while it removed it", async () => {
    const untold = runtime.container(["true"]);
    await runtime.stop();
    const [bundle, removed] = [runtime.bundle(untold), runtime.bundle(".removed")];
    for (const path of [bundle, removed]) {
      mkdirSync(join(path, "rootfs"), { recursive: true });
      writeFileSync(join(path, "config.json"), "{}");
    }
    const told = runtime.events.length;
    await runtime.start();
    assert.deepEqual([existsSync(bundle), existsSync(removed)], [false, false]);
    await assert.rejects(runtime.tasks.get({ containerId: untold }), { code: "not_found" });
    assert.deepEqual(runtime.events.slice(told), []);
  });

  it("belong to one pod when they hold its containers", async () => {
    const annotations = { "io.kubernetes.cri.sandbox-id": "pod" };
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const id = runtime.container(["sleep", "1000"], { annotations: { ...annotations, name } });
      await runtime.tasks.create(id, { rootfs: [], io: noIo });
      await runtime.tasks.start({ containerId: id });
      ids.push(id);
    }
    const shims = new Set(await Promise.all(ids.map(shimOfTask)));
    assert.equal(shims.size, 1);
    assert.ok(!shims.has(await shimOfTask(await runtime.sleeper())));
  });

  it("are refused a wrong number in the configuration", () => {
    assert.throws(() => parseRuntimeConfig(new TableReader({ containers_per_shim: 0 }, "task")), {
      code: "invalid_argument",
      message: 'Cannot read "task.containers_per_shim": expected a whole number of at least 1',
    });
  });
});
