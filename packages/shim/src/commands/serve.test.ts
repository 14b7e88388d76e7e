import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Events } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import { Task as TaskV2 } from "@slipway/api/containerd/task/v2/task_pb";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import type { Envelope } from "@slipway/api/containerd/types/types_pb";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import { answers } from "@slipway/linux/answers";
import { serve } from "@slipway/rpc/service";
import { TtrpcClient } from "@slipway/ttrpc/client";
import { TtrpcServer } from "@slipway/ttrpc/server";
import { Bundles, topics } from "../testing/bundles.ts";

const bundles = new Bundles();
const [eventsPath, socket] = [join(bundles.root, "events.sock"), join(bundles.root, "shim.sock")];
let shim: ChildProcess;
let client: TtrpcClient;

/** A daemon's event endpoint that can go away and come back. */
class FakeDaemon {
  readonly events: Envelope[] = [];
  #server: TtrpcServer | undefined;
  #onEvent: (() => void) | undefined;

  async up(): Promise<void> {
    const forward = ({ envelope }: { envelope?: Envelope | undefined }): Record<string, never> => {
      if (envelope) this.events.push(envelope);
      this.#onEvent?.();
      return {};
    };
    this.#server = new TtrpcServer([serve(Events, { forward })]);
    await this.#server.listen(eventsPath);
  }

  async down(): Promise<void> {
    await this.#server?.drain(0);
    rmSync(eventsPath, { force: true });
  }

  async until(topic: string, times = 1): Promise<void> {
    while (this.events.filter((event) => event.topic === topic).length < times) {
      await new Promise<void>((resolve) => {
        this.#onEvent = resolve;
      });
    }
  }
}
const daemon = new FakeDaemon();

before(async () => {
  await daemon.up();
  const program = fileURLToPath(new URL("../../../../bin/containerd-shim-slipway-v1", import.meta.url));
  const flags = ["-namespace", "test", "-events", eventsPath, "-runtime-root", join(bundles.root, "runtime")];
  shim = spawn(program, [...flags, "serve", "-socket", socket], { stdio: "inherit" });
  // The socket's file is there before anyone listens.
  while (!(await answers(socket))) await setTimeout(1);
  client = new TtrpcClient(socket);
});
after(async () => {
  shim.kill();
  await daemon.down();
  bundles[Symbol.dispose]();
});

describe("one shim process", () => {
  it("serves many containers, over versions 2 and 3 of the API", async () => {
    const made = Array.from({ length: 4 }, () => bundles.bundle(["sh", "-c", "exit 9"]));
    const exits = await Promise.all(
      made.map(async ({ id, bundle }) => {
        const { method } = Task;
        await client.unary(method.create, { id, bundle });
        await client.unary(method.start, { id });
        const { exitStatus } = await client.unary(method.wait, { id });
        const { status } = await client.unary(TaskV2.method.state, { id });
        assert.equal(status, Status.STOPPED);
        await client.unary(method.delete, { id });
        return exitStatus;
      }),
    );
    assert.deepEqual(exits, [9, 9, 9, 9]);
    const { shimPid } = await client.unary(Task.method.connect, { id: "" });
    // The script that finds Node gives its process to it.
    assert.equal(shimPid, shim.pid);
  });

  it("keeps its containers and its events while the daemon is away", async () => {
    const { id, bundle } = bundles.bundle(["true"]);
    await client.unary(Task.method.create, { id, bundle });
    // After those of the four before.
    await daemon.until("/tasks/create", 5);
    await daemon.down();
    daemon.events.splice(0);
    await client.unary(Task.method.start, { id });
    await client.unary(Task.method.wait, { id });
    await client.unary(Task.method.delete, { id });
    await daemon.up();
    await daemon.until("/tasks/delete");
    const own = topics(daemon.events).filter((topic) => topic !== "/tasks/create");
    assert.deepEqual(own, ["/tasks/start", `/tasks/exit ${id}`, "/tasks/delete"]);
    assert.ok(daemon.events.every(({ namespace }) => namespace === "test"));
  });

  it("refuses what it does not know with the codes of the task API", async () => {
    await assert.rejects(client.unary(Task.method.state, { id: "none" }), { code: "not_found" });
    await assert.rejects(client.unary(Events.method.forward, {}), { code: "unimplemented" });
  });

  it("ends at Shutdown, once it is empty", async () => {
    const ended = once(shim, "exit");
    await client.unary(Task.method.shutdown, { id: "" });
    assert.deepEqual(await ended, [0, null]);
    assert.equal(existsSync(socket), false);
  });
});
