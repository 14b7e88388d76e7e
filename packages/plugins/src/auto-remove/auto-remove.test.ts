import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TaskManagers } from "@slipway/core/plugin-kinds";
import type { TaskManager, TaskStatus } from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import { Exchange } from "../events/exchange.ts";
import { Fixture, quiet } from "../metadata/testing/fixture.ts";
import { autoRemovePlugin } from "./auto-remove.ts";

const label = "slipway/auto-remove";

/** A daemon's parts that the plugin needs, and containers of one namespace. */
class World implements AsyncDisposable {
  readonly fixture = new Fixture();
  readonly exchange = new Exchange();
  readonly tasks = new Map<string, TaskStatus>();

  get stores(): ReturnType<Fixture["metadata"]["scoped"]> {
    return this.fixture.metadata.scoped({ namespace: "ns" });
  }

  folder(id: string): string {
    return join(this.fixture.folder, id);
  }

  /** A container with a snapshot, a folder of its own, and a task unless told. */
  async container(id: string, labels: Readonly<Record<string, string>>, status?: TaskStatus): Promise<void> {
    mkdirSync(this.folder(id));
    await this.stores.snapshotter("memory").prepare(id, "");
    await this.stores.containers.create({
      id,
      labels: { "nerdctl/state-dir": this.folder(id), ...labels },
      image: "",
      runtime: { name: "io.containerd.slipway.v1" },
      spec: { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value: Buffer.from("{}") },
      snapshotter: "memory",
      snapshotKey: id,
      extensions: {},
      sandboxId: "",
    });
    if (status) this.tasks.set(id, status);
  }

  /** What is left after the plugin has worked off what `happens` while it runs. */
  async after(happens: () => void): Promise<string[]> {
    const runtimes = new Map([["task", this.#managers()]]);
    const started = await autoRemovePlugin.start(
      { stores: this.fixture.metadata, runtimes, events: this.exchange },
      {},
      { rootDir: "", stateDir: "", log: quiet, signal: new AbortController().signal },
    );
    happens();
    await started.stop?.();
    return (await this.stores.containers.list()).map(({ id }) => id).toSorted();
  }

  exits(containerId: string, id = containerId): void {
    if (id === containerId) this.tasks.set(containerId, "stopped");
    const exit = { containerId, id, pid: 1, exitStatus: 0, exitedAt: new Date() };
    this.exchange.publish("ns", "/tasks/exit", exit);
  }

  #managers(): TaskManagers {
    const manager: Pick<TaskManager, "list" | "delete"> = {
      list: async () =>
        [...this.tasks].map(([id, status]) => ({
          containerId: id,
          id,
          pid: 1,
          status,
          io: { stdin: "", stdout: "", stderr: "", terminal: false },
        })),
      delete: async (id) => {
        if (!this.tasks.delete(id)) throw new Fault("not_found", `task ${id}: not found`);
        return { pid: 1, exitStatus: 0, exitedAt: new Date() };
      },
    };
    return { scoped: () => manager as TaskManager };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fixture[Symbol.asyncDispose]();
  }
}

describe("autoRemovePlugin", () => {
  it("removes a labelled container with its task, snapshot and folder when its first process ends", async () => {
    await using world = new World();
    await world.container("brief", { [label]: "brief" }, "running");
    await world.container("kept", {}, "running");
    const left = await world.after(() => {
      world.exits("brief");
      world.exits("kept");
    });
    assert.deepEqual(left, ["kept"]);
    assert.deepEqual([...world.tasks.keys()], ["kept"]);
    assert.deepEqual([existsSync(world.folder("brief")), existsSync(world.folder("kept"))], [false, true]);
    await assert.rejects(world.stores.snapshotter("memory").stat("brief"), { code: "not_found" });
    await world.stores.snapshotter("memory").stat("kept");
  });

  it("goes on when an exec ends", async () => {
    await using world = new World();
    await world.container("busy", { [label]: "busy" }, "running");
    assert.deepEqual(await world.after(() => world.exits("busy", "exec-1")), ["busy"]);
  });

  it("removes what ended while no daemon ran, and leaves what runs", async () => {
    await using world = new World();
    await world.container("ended", { [label]: "ended" }, "stopped");
    await world.container("gone", { [label]: "gone" });
    await world.container("runs", { [label]: "runs" }, "running");
    assert.deepEqual(await world.after(() => {}), ["runs"]);
  });

  it("leaves a container whose label may be its image's: it has not the container's id", async () => {
    await using world = new World();
    await world.container("true", { [label]: "TRUE" }, "running");
    await world.container("theirs", { [label]: "true" }, "running");
    await world.container("ended", { [label]: "theirs" }, "stopped");
    assert.deepEqual(await world.after(() => world.exits("theirs")), ["ended", "theirs", "true"]);
  });

  it("removes no folder that does not bear the container's id", async () => {
    await using world = new World();
    const other = world.folder("other");
    mkdirSync(other);
    await world.container("sly", { [label]: "sly", "slipway/scratch": other }, "running");
    assert.deepEqual(await world.after(() => world.exits("sly")), []);
    assert.ok(existsSync(other));
  });
});
