import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { snapshotterConformance } from "@slipway/core/snapshots/conformance";
import { mountAll } from "@slipway/linux/mount";
import { openAlone } from "../snapshot-storage/testing.ts";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { overlayOptions, removeTries } from "./kernel-support.ts";
import { overlayFolders } from "./overlay-folders.ts";

const folders = overlayFolders({ mountOptions: overlayOptions([]), upperdirLabel: false });
snapshotterConformance("overlayfs", {
  open: (root) => openAlone(root, "overlayfs", () => folders),
  mount: mountAll,
});

describe("overlay mounts", () => {
  const labels = {};
  const mountsOf = (kind: "active" | "view", ...parentIds: number[]): unknown =>
    overlayFolders({ mountOptions: ["volatile"], upperdirLabel: false }).mounts(
      { id: 9, kind, parentIds, labels },
      (id) => `/s/${id}`,
    );

  it("are containerd's, word for word", () => {
    assert.deepEqual(mountsOf("active"), [{ type: "bind", source: "/s/9/fs", options: ["rw", "rbind"] }]);
    assert.deepEqual(mountsOf("view"), [{ type: "bind", source: "/s/9/fs", options: ["ro", "rbind"] }]);
    assert.deepEqual(mountsOf("view", 3), [{ type: "bind", source: "/s/3/fs", options: ["ro", "rbind"] }]);
    assert.deepEqual(mountsOf("active", 3, 2), [
      {
        type: "overlay",
        source: "overlay",
        options: ["workdir=/s/9/work", "upperdir=/s/9/fs", "lowerdir=/s/3/fs:/s/2/fs", "volatile"],
      },
    ]);
    assert.deepEqual(mountsOf("view", 3, 2), [
      { type: "overlay", source: "overlay", options: ["lowerdir=/s/3/fs:/s/2/fs", "volatile"] },
    ]);
  });

  it("have the options that the configuration gives, and those that it does not speak of", () => {
    assert.ok(overlayOptions([]).includes("index=off"));
    assert.deepEqual(overlayOptions(["index=on", "volatile"]), ["index=on", "volatile"]);
  });

  it("tell the upper directory in a label when asked to", () => {
    const labelling = overlayFolders({ mountOptions: [], upperdirLabel: true });
    assert.deepEqual(labelling.labels?.("/s/9"), { "containerd.io/snapshot/overlay.upperdir": "/s/9/fs" });
  });
});

it("removeTries unmounts and removes what a killed daemon was trying, and nothing else", async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "slipway-tries-")));
  try {
    const [left, own] = [join(root, "check-Ab1"), join(root, "snapshots")];
    for (const name of ["lower1", "lower2", "upper", "work", "merged"]) {
      mkdirSync(join(left, name), { recursive: true });
    }
    mkdirSync(own);
    const at = (name: string): string => join(left, name);
    const lower = `lowerdir=${at("lower2")}:${at("lower1")}`;
    const options = [lower, `upperdir=${at("upper")}`, `workdir=${at("work")}`];
    // As it is between the mount and its end; an image is on the lower one, beneath the overlay.
    mountAll([{ type: "tmpfs", source: "tmpfs", options: [] }], at("lower1"));
    mountAll([{ type: "overlay", source: "overlay", options }], at("merged"));
    await removeTries(root);
    assert.deepEqual(readdirSync(root), ["snapshots"]);
    assert.ok(!readMountInfo().some(({ mountPoint }) => mountPoint.startsWith(root)));
    await removeTries(root);
  } finally {
    rmSync(root, { recursive: true });
  }
});
