import assert from "node:assert/strict";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  CloseIORequestSchema,
  CreateTaskRequestSchema,
  DeleteRequestSchema,
  ExecProcessRequestSchema,
  KillRequestSchema,
  StartRequestSchema,
  StateRequestSchema,
  WaitRequestSchema,
} from "@slipway/api/containerd/task/v3/task_pb";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import { Metadata } from "@slipway/rpc/metadata";
import { readinessOf } from "@slipway/linux/poll";
import { readTask } from "../adoption/record.ts";
import { Bundles, processSpec, testShim } from "../testing/bundles.ts";
import { adoptStdio } from "./adopt-stdio.ts";

const bundles = new Bundles();
const { tasks } = testShim(bundles.root);
const context = { path: "", metadata: new Metadata(), signal: new AbortController().signal };
const SIGKILL = 9;
after(() => bundles[Symbol.dispose]());

const start = async (id: string, execId = "") => {
  await tasks.start(create(StartRequestSchema, { id, execId }), context);
};
const closeInput = async (id: string, execId = "") => {
  await tasks.closeIO(create(CloseIORequestSchema, { id, execId, stdin: true }), context);
};
const wait = async (id: string, execId = "") =>
  (await tasks.wait(create(WaitRequestSchema, { id, execId }), context)).exitStatus;
const remove = async (id: string, execId = "") => {
  await tasks.delete(create(DeleteRequestSchema, { id, execId }), context);
};
const kill = async (id: string, execId = "") => {
  await tasks.kill(create(KillRequestSchema, { id, execId, signal: SIGKILL }), context);
  await wait(id, execId);
};
const isRunning = async (id: string, execId = "") => {
  const { status } = await tasks.state(create(StateRequestSchema, { id, execId }), context);
  return status === Status.RUNNING;
};

/** FIFOs of a process, and what it prints. */
function streams(): { stdin: string; stdout: string; output: Promise<string> } {
  const [stdin, stdout] = [bundles.fifo("in"), bundles.fifo("out")];
  // Opening it without that flag would hold a thread of Node's few until the process is there.
  const fd = openSync(stdout, constants.O_RDONLY | constants.O_NONBLOCK);
  return { stdin, stdout, output: text(new Socket({ fd, writable: false })) };
}

/** Writes as a client does that leaves at once: it waits until somebody has the FIFO open. */
async function writeAndLeave(fifo: string, words: string): Promise<void> {
  const { resolve, promise } = Promise.withResolvers<void>();
  const attempt = (): void => {
    try {
      const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
      if (words !== "") writeSync(fd, words);
      closeSync(fd);
      resolve();
    } catch {
      setImmediate(attempt);
    }
  };
  attempt();
  await promise;
}

describe("the input of a container", () => {
  const created = (io: { stdin: string; stdout: string }, args: readonly string[] = ["cat"]) => {
    const { id, bundle } = bundles.bundle(args);
    const creating = tasks.create(create(CreateTaskRequestSchema, { id, bundle, ...io }), context);
    return { id, creating };
  };

  it("ends when it was closed before the start", async () => {
    const io = streams();
    const { id, creating } = created(io);
    await creating;
    await writeAndLeave(io.stdin, "early\n");
    await closeInput(id);
    await closeInput(id);
    await start(id);
    assert.equal(await wait(id), 0);
    assert.equal(await io.output, "early\n");
    await remove(id);
  });

  it("ends when it was closed while the runtime still created the container", async () => {
    const io = streams();
    const { id, creating } = created(io);
    const closed = closeInput(id);
    await Promise.all([creating, closed]);
    await start(id);
    assert.equal(await wait(id), 0);
    assert.equal(await io.output, "");
    await remove(id);
  });

  it("is what a client wrote that left before there was a task whose input it could close", async () => {
    const io = streams();
    const { id, creating } = created(io);
    await Promise.all([creating, writeAndLeave(io.stdin, "hi\n")]);
    await start(id);
    assert.equal(await wait(id), 0);
    assert.equal(await io.output, "hi\n");
    await remove(id);
  });

  it("stays open for the next client when the first left without a word", async () => {
    const io = streams();
    const { id, creating } = created(io);
    await Promise.all([creating, writeAndLeave(io.stdin, "")]);
    await start(id);
    await writeAndLeave(io.stdin, "later\n");
    assert.ok(await isRunning(id));
    await closeInput(id);
    assert.equal(await wait(id), 0);
    assert.equal(await io.output, "later\n");
    await remove(id);
  });

  it("is not there to be closed for a process without one", async () => {
    const { id, creating } = created({ stdin: "", stdout: "" }, ["true"]);
    await creating;
    await closeInput(id);
    await start(id);
    assert.equal(await wait(id), 0);
    await closeInput(id);
    await remove(id);
  });
});

describe("the input of an exec", () => {
  const { id, bundle } = bundles.bundle(["sleep", "1000"]);
  before(async () => {
    await tasks.create(create(CreateTaskRequestSchema, { id, bundle }), context);
    await start(id);
  });
  after(async () => {
    await kill(id);
    await remove(id);
  });

  const added = async (execId: string, terminal = false) => {
    const io = streams();
    const value = Buffer.from(JSON.stringify(processSpec(["cat"], { terminal })));
    const spec = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process", value };
    await tasks.exec(create(ExecProcessRequestSchema, { id, execId, spec, terminal, ...io }), context);
    return io;
  };

  it("ends when it was closed between exec and start", async () => {
    const { output } = await added("before");
    await closeInput(id, "before");
    await start(id, "before");
    assert.equal(await wait(id, "before"), 0);
    assert.equal(await output, "");
    await remove(id, "before");
  });

  it("ends when it was closed while the runtime still started it, sixteen at once", async () => {
    const names = Array.from({ length: 16 }, (_, index) => `during-${index}`);
    await Promise.all(
      names.map(async (name) => {
        const { stdin, output } = await added(name);
        const starting = start(id, name);
        await writeAndLeave(stdin, "x\n");
        await closeInput(id, name);
        await starting;
        assert.equal(await wait(id, name), 0);
        assert.equal(await output, "x\n");
        await remove(id, name);
      }),
    );
  });

  it("of a terminal goes on when a client leaves, and ends nothing when it is closed", async () => {
    const { stdin } = await added("terminal", true);
    await closeInput(id, "terminal");
    await start(id, "terminal");
    await writeAndLeave(stdin, "typed\n");
    assert.ok(await isRunning(id, "terminal"));
    await kill(id, "terminal");
    await remove(id, "terminal");
  });
});

describe("the input of a container that another shim takes over", () => {
  it("is not opened again when it was closed before", async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "cat; exec sleep 1000"]);
    const io = streams();
    await tasks.create(create(CreateTaskRequestSchema, { id, bundle, ...io }), context);
    await start(id);
    // A client holds on, so that the process does not see the end before the other shim is there.
    const client = openSync(io.stdin, constants.O_WRONLY | constants.O_NONBLOCK);
    await closeInput(id);
    const record = readTask(bundle);
    assert.equal(record?.init.isInputClosed, true);
    const adopted = await adoptStdio(record.init.io, {
      id,
      errorsFifo: `${bundle}/none`,
      isInputClosed: true,
    });
    const reader = openSync(io.stdin, constants.O_RDONLY | constants.O_NONBLOCK);
    assert.ok(!readinessOf(reader).isHungUp);
    closeSync(client);
    assert.ok(readinessOf(reader).isHungUp);
    closeSync(reader);
    adopted.close();
    await kill(id);
    await remove(id);
  });
});
