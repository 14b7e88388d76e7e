import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container } from "@slipway/core/containers";
import { ownDirectory } from "../own-files/host-directories.ts";
import { containerRootfs } from "./container-task.ts";

function container(changes: Partial<Container>): Container {
  return {
    id: "web",
    labels: {},
    image: "",
    runtime: { name: "io.containerd.runc.v2" },
    snapshotter: "",
    snapshotKey: "",
    extensions: {},
    sandboxId: "",
    createdAt: new Date(),
    updatedAt: new Date(),
    ...changes,
  };
}

describe("containerRootfs", () => {
  it("is the snapshot of a container that has one, whatever its labels say", async () => {
    const mounts = [{ type: "bind", source: "/snapshot", options: [] }];
    const evil = container({
      labels: { "slipway/rootfs": "/:O" },
      snapshotter: "overlayfs",
      snapshotKey: "web",
    });
    assert.deepEqual(await containerRootfs(evil, () => ({ mounts: async () => mounts })), mounts);
  });
});

describe("ownDirectory", () => {
  it("bears the container's id", () => {
    const of = (path: string): string | undefined =>
      ownDirectory(container({ labels: { "nerdctl/state-dir": path } }));
    assert.equal(of("/var/lib/x/web"), "/var/lib/x/web");
    assert.equal(of("/etc"), undefined);
    assert.equal(of("x/web"), undefined);
    assert.equal(ownDirectory(container({})), undefined);
  });
});
