import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container } from "@slipway/core/containers";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import { ContainerTasks } from "./container-tasks.ts";

const stopped = "containerd.io/restart.explicitly-stopped";
const at = new Date(0);
const exit = { pid: 1, exitStatus: 137, exitedAt: at };
const gone = (): never => {
  throw new Fault("not_found", "it is gone");
};

/** One container that is started again, whose labels become others while its task starts. */
async function restart(before: Labels, meanwhile: Labels | "removed"): Promise<readonly string[]> {
  let container: Container | undefined = {
    id: "one",
    labels: before,
    image: "",
    runtime: { name: "" },
    snapshotter: "",
    snapshotKey: "",
    extensions: {},
    sandboxId: "",
    createdAt: at,
    updatedAt: at,
  };
  const calls: string[] = [];
  const containers = {
    get: async () => container ?? gone(),
    list: async () => [],
    update: async () => container ?? gone(),
  };
  const stores = {
    namespaces: { list: async () => [] },
    scoped: () => ({ containers, snapshotter: gone }),
  };
  const tasks = {
    get: gone,
    wait: async () => exit,
    create: async () => calls.push("create"),
    async start() {
      container = container && meanwhile !== "removed" ? { ...container, labels: meanwhile } : undefined;
      return calls.push("start");
    },
    async kill() {
      calls.push("kill");
    },
    async delete() {
      calls.push("delete");
      return exit;
    },
  };
  const again = new ContainerTasks(stores, { scoped: () => tasks });
  calls.push(String(await again.start("default", container)));
  return calls;
}

describe("ContainerTasks", () => {
  it("leaves a container that it started again, whatever a client says of it but that it stopped it", async () => {
    const runs = ["delete", "create", "start", "true"];
    // nerdctl writes the label after its own start, which the monitor's may overtake.
    assert.deepEqual(await restart({}, { [stopped]: "false" }), runs);
    assert.deepEqual(await restart({ [stopped]: "false" }, {}), runs);
    // A start of the daemon starts what is always to run.
    assert.deepEqual(await restart({ [stopped]: "true" }, { [stopped]: "true" }), runs);
  });

  it("ends a container that was stopped or removed while it was started again", async () => {
    const ends = ["delete", "create", "start", "kill", "delete", "false"];
    assert.deepEqual(await restart({}, { [stopped]: "true" }), ends);
    assert.deepEqual(await restart({ [stopped]: "false" }, { [stopped]: "true" }), ends);
    assert.deepEqual(await restart({}, "removed"), ends);
  });
});
