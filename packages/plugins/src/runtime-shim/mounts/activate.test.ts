import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Mount } from "@slipway/core/mounts/mount";
import { mountAll, unmountAll } from "@slipway/linux/mount";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { activate, type Activation } from "./activate.ts";
import { needsActivation } from "./needs-activation.ts";

describe("mounts that no kernel knows", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mounts-"));
    mkdirSync(join(root, "target"));
  });
  afterEach(() => {
    const own = readMountInfo().filter(({ mountPoint }) => mountPoint.startsWith(`${root}/`));
    for (const { mountPoint } of own.toReversed()) unmountAll(mountPoint);
    rmSync(root, { recursive: true });
  });

  const activated = (mounts: readonly Mount[], allowed: readonly string[] = []): Promise<Activation> =>
    activate(mounts, allowed, { folder: join(root, "m"), roots: [root] });
  const bind = (source: string): Mount => ({ type: "bind", source, options: ["rbind"] });

  it("are told from those that a kernel knows", () => {
    assert.equal(needsActivation([bind("/a"), { type: "overlay", source: "overlay", options: [] }]), false);
    assert.equal(needsActivation([{ type: "format/overlay", source: "", options: [] }]), true);
    assert.equal(needsActivation([{ type: "loop", source: "/a", options: [] }]), true);
  });

  it("become a file system in a file, a loop device and an overlay over it", async () => {
    const image = join(root, "disk.img");
    const option = (name: string, value: string): string => `X-containerd.${name}=${value}`;
    const mounts = [
      {
        type: "mkfs/loop",
        source: image,
        options: [option("mkfs.size", "16MiB"), option("mkfs.fs", "ext4")],
      },
      { type: "format/ext4", source: "{{ mount 0 }}", options: [] },
      {
        type: "format/mkdir/overlay",
        source: "overlay",
        options: [
          option("mkdir.path", "{{ mount 1 }}/upper:0750:7:8"),
          option("mkdir.path", "{{ mount 1 }}/work"),
          "lowerdir=/etc",
          "upperdir={{ mount 1 }}/upper",
          "workdir={{ mount 1 }}/work",
        ],
      },
    ];
    using activation = await activated(mounts);
    assert.equal(statSync(image).size, 16 * 1024 * 1024);
    mountAll(activation.rest, join(root, "target"));
    const upper = statSync(join(root, "m/1/upper"));
    assert.deepEqual([upper.mode & 0o777, upper.uid, upper.gid], [0o750, 7, 8]);
    writeFileSync(join(root, "target/own"), "");
    assert.deepEqual(readdirSync(join(root, "m/1/upper")), ["own"]);
    assert.ok(existsSync(join(root, "target/passwd")));
  });

  it("can name all of those below an overlay, and stay as they are behind the last one", async () => {
    const mounts = [
      bind("/etc"),
      bind("/usr"),
      { type: "format/overlay", source: "overlay", options: ["lowerdir={{ overlay 1 0 }}"] },
      bind("/last"),
    ];
    using activation = await activated(mounts);
    assert.deepEqual(activation.rest, [
      { type: "overlay", source: "overlay", options: [`lowerdir=${root}/m/1:${root}/m/0`] },
      bind("/last"),
    ]);
  });

  it("may not make anything outside of the roots, over a symlink neither", async () => {
    const mkdir = (path: string): Mount => ({
      type: "mkdir/tmpfs",
      source: "tmpfs",
      options: [`X-containerd.mkdir.path=${path}`],
    });
    symlinkSync("/tmp", join(root, "link"));
    await assert.rejects(activated([mkdir("/elsewhere/x")]), { code: "unimplemented" });
    await assert.rejects(activated([mkdir(`${root}/link/${process.pid}-escaped`)]));
    await assert.rejects(activated([mkdir(`${root}/link`)]));
    assert.equal(existsSync(`/tmp/${process.pid}-escaped`), false);
    const mkfs = { type: "mkfs/loop", source: "/elsewhere/x", options: ["X-containerd.mkfs.size=1m"] };
    await assert.rejects(activated([mkfs]), { code: "unimplemented" });
  });

  it("are refused when they are malformed, and leave nothing", async () => {
    const refused = async (mount: Mount): Promise<void> => {
      await assert.rejects(activated([bind("/etc"), mount]), { code: "invalid_argument" });
    };
    const source = join(root, "x");
    await refused({ type: "format/bind", source: "{{ mount 1 }}", options: [] });
    await refused({ type: "format/bind", source: "{{ nothing 0 }}", options: [] });
    await refused({ type: "format/bind", source: "{{ mount }}", options: [] });
    await refused({ type: "mkdir/bind", source, options: ["X-containerd.mkdir.path=/a:999"] });
    for (const owner of ["4294967295:0", "0:4294967296", "99999999999999999999:0"]) {
      const option = `X-containerd.mkdir.path=/a:700:${owner}`;
      await refused({ type: "mkdir/bind", source, options: [option] });
    }
    await refused({ type: "mkfs/loop", source, options: [] });
    await refused({ type: "mkfs/loop", source, options: ["X-containerd.mkfs.size=much"] });
    const size = "X-containerd.mkfs.size=1m";
    await refused({ type: "mkfs/loop", source, options: [size, "X-containerd.mkfs.fs=fat"] });
    await refused({ type: "mkfs/loop", source, options: [size, "X-containerd.mkfs.colour=red"] });
    assert.equal(existsSync(source), false);
  });

  it("leaves no half file system when the program fails", async () => {
    const source = join(root, "small");
    const mount = { type: "mkfs/loop", source, options: ["X-containerd.mkfs.size=1k"] };
    await assert.rejects(activated([mount]), /failed format ".*small": .*mkfs.ext4/s);
    assert.deepEqual(readdirSync(root).toSorted(), ["target"]);
  });
});
