import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

/** The kernel mounts no files of a tmpfs as they are, and there are no loop devices. */
const withoutLoopDevices = "mount --bind /dev/null /dev/loop-control";

describe("layer images", () => {
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
  });
  after(async () => await registry[Symbol.asyncDispose]());

  const snapshots = (daemon: TestDaemon): string =>
    join(daemon.root, "io.containerd.snapshotter.v1.overlayfs/snapshots");
  const imageOf = (daemon: TestDaemon, id: number): string => join(snapshots(daemon), `${id}/layer.erofs`);
  const mounted = (daemon: TestDaemon): string[] =>
    readMountInfo()
      .filter(({ type, mountPoint }) => type === "erofs" && mountPoint.startsWith(snapshots(daemon)))
      .map(({ mountPoint }) => mountPoint.slice(snapshots(daemon).length + 1));
  const run = ["run", "--net", "none"];

  it("are mounted while a container is above them, and not for ever", async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    await daemon.printed("pull", "-q", image);
    await daemon.printed(...run, "-d", "--name", "user", image, "sleep", "1000");
    assert.deepEqual(mounted(daemon).sort(), ["1/fs", "2/fs"]);
    await daemon.printed("rm", "-f", "user");
    // The kernel tells who polls the list of mounts, but not in a way that Node can wait for.
    while (mounted(daemon).length > 0) await setTimeout(50);
    assert.equal(await daemon.printed(...run, "--rm", image, "echo", "again"), "again\n");
  });

  it("come back after kill -9, and after what a reboot leaves", async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    await daemon.printed("pull", "-q", image);
    await daemon.printed(...run, "-d", "--name", "user", image, "sleep", "1000");
    await daemon.stop("SIGKILL");
    await daemon.start();
    assert.equal(await daemon.printed("exec", "user", "cat", "/etc/group"), "root:x:0:\ndaemon:x:1:\n");
    assert.deepEqual(mounted(daemon).sort(), ["1/fs", "2/fs"]);
    await daemon.printed("stop", "-t", "0", "user");
    await daemon.stop("SIGKILL");
    for (const name of mounted(daemon)) unmountAll(join(snapshots(daemon), name), MNT.DETACH);
    assert.deepEqual(mounted(daemon), []);
    await daemon.start();
    await daemon.printed("start", "user");
    assert.equal(await daemon.printed("exec", "user", "cat", "/etc/group"), "root:x:0:\ndaemon:x:1:\n");
    await daemon.printed("rm", "-f", "user");
  });

  it("are not made where the kernel mounts none: layers are directories then", async () => {
    using disk = new Tmpfs();
    await using daemon = await TestDaemon.start("slipwayd", { root: disk.path });
    await daemon.stop();
    await daemon.start(withoutLoopDevices);
    await daemon.printed("pull", "-q", image);
    assert.match(daemon.log, /layers are kept as directories, not as images/);
    assert.ok(!existsSync(imageOf(daemon, 1)));
    assert.ok(existsSync(join(snapshots(daemon), "1/fs/bin/busybox")));
    assert.equal(await daemon.printed(...run, "--rm", image, "echo", "files"), "files\n");
  });

  it("become files where the kernel mounts them no longer", async () => {
    using disk = new Tmpfs();
    await using daemon = await TestDaemon.start("slipwayd", { root: disk.path });
    await daemon.printed("pull", "-q", image);
    assert.ok(existsSync(imageOf(daemon, 1)));
    await daemon.stop();
    await daemon.start(withoutLoopDevices);
    const copy = ["cat", "/etc/group"];
    const group = "root:x:0:\ndaemon:x:1:\n";
    const said = await Promise.all([1, 2].map(() => daemon.printed(...run, "--rm", image, ...copy)));
    assert.deepEqual(said, [group, group]);
    assert.match(daemon.log, /a layer image cannot be mounted any more: it becomes files/);
    assert.ok(!existsSync(imageOf(daemon, 1)));
    assert.equal(readFileSync(join(snapshots(daemon), "2/fs/etc/group"), "utf8"), group);
    assert.equal(await daemon.printed("image", "verify"), `${image}: ok\n`);
  });
});

/** A file system in memory. */
class Tmpfs implements Disposable {
  readonly #folder = new TestFolder("tmpfs");
  readonly path = this.#folder.join("disk");

  constructor() {
    mkdirSync(this.path);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", this.path]);
  }

  [Symbol.dispose](): void {
    unmountAll(this.path, MNT.DETACH);
    this.#folder[Symbol.dispose]();
  }
}
