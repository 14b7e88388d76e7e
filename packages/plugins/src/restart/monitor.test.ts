import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import { Exchange } from "../events/exchange.ts";
import { ContainerTasks } from "./container-tasks.ts";
import { RestartMonitor } from "./monitor.ts";

const at = new Date(0);
const exit = { pid: 1, exitStatus: 1, exitedAt: at };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const gone = (): never => {
  throw new Fault("not_found", "it is gone");
};

describe("RestartMonitor", () => {
  it("ends the task that it made for a container which a client deletes at that moment", async () => {
    const exchange = new Exchange();
    const calls: string[] = [];
    const ended = Promise.withResolvers<void>();
    let container: Container | undefined = {
      id: "one",
      labels: { "containerd.io/restart.status": "running" },
      image: "",
      runtime: { name: "" },
      snapshotter: "",
      snapshotKey: "",
      extensions: {},
      sandboxId: "",
      createdAt: at,
      updatedAt: at,
    };
    const containers = {
      async get() {
        const found = container ?? gone();
        // The client saw no task: it looked between the old one's end and the new one's.
        if (calls.at(-1) === "start") {
          container = undefined;
          exchange.publish("default", "/containers/delete", { id: "one" });
        }
        return found;
      },
      list: async () => (container ? [container] : []),
      update: async () => container ?? gone(),
    };
    const stores = {
      namespaces: { list: async () => [{ name: "default", labels: {} }] },
      scoped: () => ({ containers, snapshotter: gone }),
    };
    const io = { stdin: "", stdout: "", stderr: "", terminal: false };
    const tasks = {
      get: async () => ({ containerId: "one", id: "one", pid: 1, status: "stopped" as const, io, exit }),
      wait: async () => exit,
      create: async () => calls.push("create"),
      start: async () => calls.push("start"),
      async kill() {
        calls.push("kill");
      },
      async delete() {
        if (calls.push("delete") > 4) ended.resolve();
        return exit;
      },
    };
    const all = new ContainerTasks(stores, { scoped: () => tasks });
    await using _monitor = new RestartMonitor(all, exchange, 10_000, quiet);
    await ended.promise;
    assert.deepEqual(calls, ["delete", "create", "start", "kill", "delete"]);
  });
});
