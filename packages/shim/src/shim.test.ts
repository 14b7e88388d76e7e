import assert from "node:assert/strict";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { after, describe, it } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { TaskOOMSchema } from "@slipway/api/containerd/events/events_pb";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { OptionsSchema as GenericOptionsSchema } from "@slipway/api/runtimeoptions/v1/runtimeoptions_pb";
import {
  CloseIORequestSchema,
  CreateTaskRequestSchema,
  DeleteRequestSchema,
  ExecProcessRequestSchema,
  KillRequestSchema,
  PidsRequestSchema,
  ResizePtyRequestSchema,
  StartRequestSchema,
  StateRequestSchema,
  StatsRequestSchema,
  WaitRequestSchema,
} from "@slipway/api/containerd/task/v3/task_pb";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import { MetricsSchema } from "@slipway/api/io/containerd/cgroups/v1/cgroups_pb";
import { Metadata } from "@slipway/rpc/metadata";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { Bundles, processSpec, testShim, topics } from "./testing/bundles.ts";
import { packAny } from "./events.ts";

const bundles = new Bundles();
const { tasks, shim, events } = testShim(bundles.root);
const context = { path: "", metadata: new Metadata(), signal: new AbortController().signal };
after(() => bundles[Symbol.dispose]());

const start = (id: string, execId = "") => tasks.start(create(StartRequestSchema, { id, execId }), context);
const wait = (id: string, execId = "") => tasks.wait(create(WaitRequestSchema, { id, execId }), context);
const remove = (id: string, execId = "") =>
  tasks.delete(create(DeleteRequestSchema, { id, execId }), context);
const state = (id: string, execId = "") => tasks.state(create(StateRequestSchema, { id, execId }), context);
const kill = async (id: string, signal: number, options: { execId?: string; all?: boolean } = {}) => {
  await tasks.kill(create(KillRequestSchema, { id, signal, ...options }), context);
};
const createTask = (request: Parameters<typeof create<typeof CreateTaskRequestSchema>>[1]) =>
  tasks.create(create(CreateTaskRequestSchema, request), context);
const exec = (id: string, execId: string, args: readonly string[], stdio: object = {}) =>
  tasks.exec(
    create(ExecProcessRequestSchema, {
      id,
      execId,
      spec: {
        typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
        value: Buffer.from(JSON.stringify(processSpec(args))),
      },
      ...stdio,
    }),
    context,
  );
/** False when it is refused. */
async function started(id: string, execId: string): Promise<boolean> {
  try {
    await start(id, execId);
    return true;
  } catch {
    return false;
  }
}
async function eventsOf(): Promise<string[]> {
  await shim.events.drain();
  return topics(events.splice(0));
}

describe("a container's life", () => {
  it("runs, tells its exit code, and its events in order", async () => {
    await eventsOf();
    const { id, bundle } = bundles.bundle(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    const [stdout, stderr] = [bundles.fifo("out"), bundles.fifo("err")];
    const [out, err] = [text(createReadStream(stdout)), text(createReadStream(stderr))];
    const { pid } = await createTask({ id, bundle, stdout, stderr });
    assert.equal((await state(id)).status, Status.CREATED);
    assert.equal((await start(id)).pid, pid);
    assert.equal((await wait(id)).exitStatus, 7);
    assert.deepEqual([await out, await err], ["out\n", "err\n"]);
    assert.equal((await state(id)).status, Status.STOPPED);
    assert.equal((await remove(id)).exitStatus, 7);
    assert.deepEqual(await eventsOf(), [
      "/tasks/create",
      "/tasks/start",
      `/tasks/exit ${id}`,
      "/tasks/delete",
    ]);
    await assert.rejects(async () => await state(id), {
      code: "not_found",
      message: "container not created",
    });
    assert.equal(shim.containers.size, 0);
  });

  it("mounts the root file system and unmounts it at the end", async () => {
    const { id, bundle } = bundles.bundle(["cat", "/tmp/x"]);
    const source = `${bundle}/rootfs`;
    const outer = bundles.bundle(["true"]);
    await createTask({
      id: outer.id,
      bundle: outer.bundle,
      rootfs: [{ type: "bind", source, options: ["rbind", "rw"] }],
    });
    assert.ok(readMountInfo().some(({ mountPoint }) => mountPoint === `${outer.bundle}/rootfs`));
    await start(outer.id);
    await wait(outer.id);
    await remove(outer.id);
    assert.ok(!readMountInfo().some(({ mountPoint }) => mountPoint.startsWith(bundles.root)));
    assert.notEqual(id, outer.id);
  });

  it("says in containerd's words that the program is missing, and leaves nothing mounted", async () => {
    const { bundle: source } = bundles.bundle(["true"]);
    const { id, bundle } = bundles.bundle(["nope"]);
    const rootfs = [{ type: "bind", source: `${source}/rootfs`, options: ["rbind"] }];
    await assert.rejects(async () => await createTask({ id, bundle, rootfs }), {
      code: "unknown",
      message:
        'OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    });
    assert.ok(!readMountInfo().some(({ mountPoint }) => mountPoint.startsWith(bundles.root)));
  });

  it("is there for who asks while it is made, and not made twice", async () => {
    const { id, bundle } = bundles.bundle(["true"]);
    const made = createTask({ id, bundle });
    const asked = state(id);
    await assert.rejects(async () => await createTask({ id, bundle }), { code: "already_exists" });
    assert.equal(shim.isIdle, false);
    assert.equal((await asked).status, Status.CREATED);
    await made;
    await kill(id, 9);
    await wait(id);
    await remove(id);
    assert.ok(shim.isIdle);
  });

  it("names a runtime that is not there", async () => {
    const { id, bundle } = bundles.bundle(["true"]);
    const options = packAny(OptionsSchema, { binaryName: "nope-runtime" });
    await assert.rejects(
      async () => await createTask({ id, bundle, options }),
      /unable to retrieve OCI runtime error .*: exec: "nope-runtime": executable file not found in \$PATH$/,
    );
  });

  it("reads runc's options from those that Kubernetes gives any runtime", async () => {
    const { id, bundle } = bundles.bundle(["true"]);
    const configBody = Buffer.from('BinaryName = "nope-runtime"\nSystemdCgroup = false\n');
    const options = packAny(GenericOptionsSchema, { typeUrl: OptionsSchema.typeName, configBody });
    await assert.rejects(async () => await createTask({ id, bundle, options }), /exec: "nope-runtime"/);
    const broken = packAny(GenericOptionsSchema, { configBody: Buffer.from("SystemdCgroup = 1") });
    await assert.rejects(
      async () => await createTask({ id, bundle, options: broken }),
      /Cannot read the runtime's options: "SystemdCgroup" is no boolean/,
    );
  });

  it("refuses options that it does not know, instead of ignoring them", async () => {
    const { id, bundle } = bundles.bundle(["true"]);
    const refused = async (options: ReturnType<typeof packAny>, why: RegExp): Promise<void> => {
      await assert.rejects(async () => await createTask({ id, bundle, options }), why);
    };
    const generic = (typeUrl: string, text: string): ReturnType<typeof packAny> =>
      packAny(GenericOptionsSchema, { typeUrl, configBody: Buffer.from(text) });
    await refused(
      generic("io.containerd.other.v1.Options", ""),
      /unsupported option type "io.containerd.other/,
    );
    await refused(generic("", 'Colour = "red"'), /"Colour" is no option of runc/);
    await refused(
      packAny(OptionsSchema, { taskApiAddress: "unix:///s" }),
      /task_api_address\) is not supported/,
    );
  });

  // crun refuses a machine that mounts both versions of cgroups.
  const isHybrid = readMountInfo().filter(({ type }) => type.startsWith("cgroup")).length > 1;
  it("runs with crun as well", { skip: isHybrid }, async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "exit 3"]);
    await createTask({ id, bundle, options: packAny(OptionsSchema, { binaryName: "crun" }) });
    await start(id);
    assert.equal((await wait(id)).exitStatus, 3);
    await remove(id);
  });

  it("gives the client's input until both ends are closed", async () => {
    const { id, bundle } = bundles.bundle(["cat"]);
    const [stdin, stdout] = [bundles.fifo("in"), bundles.fifo("out")];
    const output = text(createReadStream(stdout));
    await createTask({ id, bundle, stdin, stdout });
    await start(id);
    const input = createWriteStream(stdin, { flags: "r+" });
    input.end("hello\n");
    await new Promise<void>((resolve) => {
      input.once("close", () => resolve());
    });
    assert.equal((await state(id)).status, Status.RUNNING);
    await tasks.closeIO(create(CloseIORequestSchema, { id, stdin: true }), context);
    assert.equal((await wait(id)).exitStatus, 0);
    assert.equal(await output, "hello\n");
    await remove(id);
  });

  it("writes to a file behind a file:// URI", async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "echo out; echo err >&2"]);
    const path = `${bundle}/logs/a.log`;
    await createTask({ id, bundle, stdout: `file://${path}` });
    await start(id);
    await wait(id);
    await remove(id);
    assert.equal(readFileSync(path, "utf8"), "out\nerr\n");
  });

  it("tells a kill for want of memory", async () => {
    await eventsOf();
    const { id, bundle } = bundles.bundle(["dd", "if=/dev/zero", "of=/tmp/x", "bs=64M", "count=1"], {
      memoryLimit: 8 << 20,
    });
    await createTask({ id, bundle });
    await start(id);
    assert.equal((await wait(id)).exitStatus, 137);
    await remove(id);
    await shim.events.drain();
    const oom = events.find(({ topic }) => topic === "/tasks/oom");
    assert.equal(fromBinary(TaskOOMSchema, oom?.event?.value ?? new Uint8Array()).containerId, id);
    await eventsOf();
  });
});

describe("a running container", () => {
  const running = async (options: { pidNamespace?: boolean } = {}) => {
    const { id, bundle } = bundles.bundle(["sleep", "1000"], options);
    await createTask({ id, bundle });
    await start(id);
    await eventsOf();
    return {
      id,
      async [Symbol.asyncDispose]() {
        await kill(id, 9, { all: true }).catch(() => undefined);
        await wait(id);
        await remove(id);
      },
    };
  };

  it("dies of a signal, and cannot be killed twice", async () => {
    await using task = await running();
    await assert.rejects(async () => await remove(task.id), { message: "cannot delete a running process" });
    await assert.rejects(kill(task.id, 99), {
      code: "unknown",
      message: "unknown error after kill: unable to signal init: invalid argument",
    });
    await kill(task.id, 9);
    assert.equal((await wait(task.id)).exitStatus, 137);
    await assert.rejects(kill(task.id, 9), { code: "not_found", message: "process already finished" });
  });

  it("runs execs, and their end comes before its own", async () => {
    await using task = await running();
    const stdout = bundles.fifo("out");
    const output = text(createReadStream(stdout));
    await exec(task.id, "one", ["sh", "-c", "echo inside; exit 5"], { stdout });
    await assert.rejects(async () => await exec(task.id, "one", ["true"]), {
      code: "already_exists",
      message: "id one",
    });
    assert.equal((await state(task.id, "one")).status, Status.CREATED);
    await start(task.id, "one");
    assert.equal((await wait(task.id, "one")).exitStatus, 5);
    assert.equal(await output, "inside\n");
    await remove(task.id, "one");

    await exec(task.id, "two", ["sleep", "1000"]);
    const { pid } = await start(task.id, "two");
    const { processes = [] } = await tasks.pids(create(PidsRequestSchema, { id: task.id }), context);
    assert.equal(processes.length, 2);
    assert.ok(processes.some((process) => process.pid === pid && process.info));
    await kill(task.id, 9);
    assert.equal((await wait(task.id)).exitStatus, 137);
    assert.deepEqual(await eventsOf(), [
      "/tasks/exec-added",
      "/tasks/exec-started",
      "/tasks/exit one",
      "/tasks/exec-added",
      "/tasks/exec-started",
      "/tasks/exit two",
      `/tasks/exit ${task.id}`,
    ]);
    await remove(task.id, "two");
  });

  it("ends with each exec that is being started, and its own end is published last", async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 6) {
      const own = bundles.bundle(["sleep", "1000"]);
      await createTask(own);
      await start(own.id);
      await eventsOf();
      await exec(own.id, "late", ["sleep", "1000"]);
      const starting = started(own.id, "late");
      await setTimeout(delayMs);
      await kill(own.id, 9);
      assert.equal((await wait(own.id)).exitStatus, 137);
      const isStarted = await starting;
      const { status, exitStatus } = await state(own.id, "late");
      const told = await eventsOf();
      assert.equal(status, isStarted ? Status.STOPPED : Status.CREATED);
      assert.equal(told.at(-1), `/tasks/exit ${own.id}`);
      if (isStarted) {
        assert.equal(exitStatus, 137);
        assert.deepEqual(told.slice(0, -1), ["/tasks/exec-added", "/tasks/exec-started", "/tasks/exit late"]);
      } else {
        assert.deepEqual(told.slice(0, -1), ["/tasks/exec-added"]);
      }
      await wait(own.id, "late");
      await remove(own.id, "late");
      await remove(own.id);
    }
  });

  it("says why an exec did not start", async () => {
    await using task = await running();
    await exec(task.id, "bad", ["nope"]);
    await assert.rejects(async () => await start(task.id, "bad"), {
      message:
        /^OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in \$PATH$/,
    });
    // As with containerd: it stays created, and nobody waits for it for ever.
    assert.equal((await state(task.id, "bad")).status, Status.CREATED);
    assert.equal((await wait(task.id, "bad")).exitStatus, 0);
    await remove(task.id, "bad");
  });

  it("takes what runs beside it along when they share a pid namespace with the host", async () => {
    await using task = await running({ pidNamespace: false });
    await exec(task.id, "beside", ["sleep", "1000"]);
    await start(task.id, "beside");
    await kill(task.id, 9);
    await wait(task.id);
    assert.equal((await state(task.id, "beside")).status, Status.STOPPED);
    await remove(task.id, "beside");
  });

  it("is paused and resumed", async () => {
    await using task = await running();
    await tasks.pause(create(StateRequestSchema, { id: task.id }) as never, context);
    assert.equal((await state(task.id)).status, Status.PAUSED);
    await assert.rejects(async () => await exec(task.id, "x", ["true"]), {
      message: "cannot exec in a paused state",
    });
    await tasks.resume(create(StateRequestSchema, { id: task.id }) as never, context);
    assert.equal((await state(task.id)).status, Status.RUNNING);
    assert.deepEqual(await eventsOf(), ["/tasks/paused", "/tasks/resumed"]);
  });

  it("shows its figures", async () => {
    await using task = await running();
    const { stats } = await tasks.stats(create(StatsRequestSchema, { id: task.id }), context);
    const metrics = fromBinary(MetricsSchema, stats?.value ?? new Uint8Array());
    assert.equal(metrics.pids?.current, 1n);
    assert.ok((metrics.memory?.usage?.usage ?? 0n) > 0n);
  });
});

describe("a terminal", () => {
  it("carries output, input and size", async () => {
    const { id, bundle } = bundles.bundle(["sh"], { terminal: true });
    const [stdin, stdout] = [bundles.fifo("in"), bundles.fifo("out")];
    const output = text(createReadStream(stdout));
    await createTask({ id, bundle, stdin, stdout, terminal: true });
    await tasks.resizePty(create(ResizePtyRequestSchema, { id, width: 91, height: 17 }), context);
    await start(id);
    const input = createWriteStream(stdin, { flags: "r+" });
    input.end("stty size; exit 4\n");
    assert.equal((await wait(id)).exitStatus, 4);
    await remove(id);
    assert.match(await output, /17 91/);
  });

  it("is given to an exec", async () => {
    const { id, bundle } = bundles.bundle(["sleep", "1000"]);
    await createTask({ id, bundle });
    await start(id);
    const stdout = bundles.fifo("out");
    const output = text(createReadStream(stdout));
    await exec(id, "tty", ["sh", "-c", "stty -a >/dev/null && echo terminal"], { stdout, terminal: true });
    await start(id, "tty");
    assert.equal((await wait(id, "tty")).exitStatus, 0);
    await remove(id, "tty");
    assert.match(await output, /terminal/);
    await kill(id, 9);
    await wait(id);
    await remove(id);
  });
});
