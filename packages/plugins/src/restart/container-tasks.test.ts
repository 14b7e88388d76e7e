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
async function restart(
  before: Labels,
  meanwhile: Labels | "removed",
  { hasTask = true, isGone = false }: { readonly hasTask?: boolean; readonly isGone?: boolean } = {},
): Promise<readonly string[]> {
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
      return isGone ? gone() : exit;
    },
  };
  const again = new ContainerTasks(stores, { scoped: () => tasks });
  calls.push(await again.start("default", container, hasTask));
  return calls;
}

describe("ContainerTasks", () => {
  it("leaves a container that it started again, whatever a client says of it but that it stopped it", async () => {
    const runs = ["delete", "create", "start", "started"];
    // nerdctl writes the label after its own start, which the monitor's may overtake.
    assert.deepEqual(await restart({}, { [stopped]: "false" }), runs);
    assert.deepEqual(await restart({ [stopped]: "false" }, {}), runs);
    // A start of the daemon starts what is always to run.
    assert.deepEqual(await restart({ [stopped]: "true" }, { [stopped]: "true" }), runs);
  });

  it("leaves a container whose task somebody removed, but starts one that had none", async () => {
    assert.deepEqual(await restart({}, {}, { isGone: true }), ["delete", "left"]);
    const runs = ["delete", "create", "start", "started"];
    assert.deepEqual(await restart({}, {}, { hasTask: false, isGone: true }), runs);
  });

  it("ends a container that was stopped or removed while it was started again", async () => {
    const ends = ["delete", "create", "start", "kill", "delete", "ended"];
    assert.deepEqual(await restart({}, { [stopped]: "true" }), ends);
    assert.deepEqual(await restart({ [stopped]: "false" }, { [stopped]: "true" }), ends);
    assert.deepEqual(await restart({}, "removed"), ends);
  });
});
