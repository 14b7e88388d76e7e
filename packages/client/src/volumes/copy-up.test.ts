import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { Volume } from "@slipway/core/volumes";
import { getXattr, setXattr } from "@slipway/linux/xattr";
import { copyUp } from "./copy-up.ts";
import { VolumeDirectories } from "./volume-directories.ts";

/** An image's root file system and an empty volume. */
async function open(): Promise<{ readonly rootfs: string; readonly volume: Volume } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-copy-up-"));
  const rootfs = join(folder, "rootfs");
  mkdirSync(join(rootfs, "srv/data"), { recursive: true });
  const volume = await new VolumeDirectories(join(folder, "volumes")).ensure("data", {});
  return { rootfs, volume, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

describe("copyUp", () => {
  it("copies content, owners, modes, links and attributes, those of the directory itself, too", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    const data = join(rootfs, "srv/data");
    writeFileSync(join(data, "seed"), "seed");
    linkSync(join(data, "seed"), join(data, "hard"));
    symlinkSync("/etc/passwd", join(data, "link"));
    mkdirSync(join(data, "sub"));
    chownSync(join(data, "seed"), 1000, 1001);
    chmodSync(join(data, "seed"), 0o4711);
    setXattr(join(data, "seed"), "user.note", Buffer.from("x"));
    chownSync(data, 1002, 1003);
    chmodSync(data, 0o1700);
    await copyUp(volume, rootfs, "/srv/data");
    const at = volume.mountpoint;
    assert.deepEqual(readdirSync(at).toSorted(), ["hard", "link", "seed", "sub"]);
    const seed = statSync(join(at, "seed"));
    assert.deepEqual([seed.uid, seed.gid, seed.mode & 0o7777, seed.nlink], [1000, 1001, 0o4711, 2]);
    assert.equal(readlinkSync(join(at, "link")), "/etc/passwd");
    assert.equal(getXattr(join(at, "seed"), "user.note")?.toString(), "x");
    const directory = statSync(at);
    assert.deepEqual([directory.uid, directory.gid, directory.mode & 0o7777], [1002, 1003, 0o1700]);
  });

  it("takes owner and mode of an empty directory, and does nothing where the image has none", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    await copyUp(volume, rootfs, "/not/there");
    assert.equal(statSync(volume.mountpoint).mode & 0o7777, 0o755);
    chmodSync(join(rootfs, "srv/data"), 0o1777);
    await copyUp(volume, rootfs, "/srv/data");
    assert.equal(statSync(volume.mountpoint).mode & 0o7777, 0o1777);
  });

  it("leaves a volume as it is that somebody has filled", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    writeFileSync(join(rootfs, "srv/data/seed"), "image");
    writeFileSync(join(volume.mountpoint, "own"), "own");
    await copyUp(volume, rootfs, "/srv/data");
    assert.deepEqual(readdirSync(volume.mountpoint), ["own"]);
  });

  it("begins again where a copy was interrupted", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    writeFileSync(join(rootfs, "srv/data/seed"), "whole");
    writeFileSync(join(volume.mountpoint, "seed"), "wh");
    writeFileSync(join(dirname(volume.mountpoint), ".copying"), "");
    await copyUp(volume, rootfs, "/srv/data");
    assert.equal(readFileSync(join(volume.mountpoint, "seed"), "utf8"), "whole");
    assert.ok(!existsSync(join(dirname(volume.mountpoint), ".copying")));
  });

  it("follows an image's symlink inside the image alone", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    const outside = join(dirname(rootfs), "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "secret");
    symlinkSync(outside, join(rootfs, "absolute"));
    symlinkSync("../../../../../../../../..".concat(outside), join(rootfs, "climbing"));
    symlinkSync("/srv/data", join(rootfs, "inside"));
    writeFileSync(join(rootfs, "srv/data/seed"), "seed");
    for (const target of ["/absolute", "/climbing"]) await copyUp(volume, rootfs, target);
    assert.deepEqual(readdirSync(volume.mountpoint), []);
    await copyUp(volume, rootfs, "/inside");
    assert.deepEqual(readdirSync(volume.mountpoint), ["seed"]);
  });

  it("refuses a file of the image", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    writeFileSync(join(rootfs, "srv/file"), "");
    const wanted = { code: "failed_precondition", message: /"\/srv\/file": the image has a file there/ };
    await assert.rejects(copyUp(volume, rootfs, "/srv/file"), wanted);
  });

  it("fills a volume once for all who come at once", async () => {
    using opened = await open();
    const { rootfs, volume } = opened;
    for (let index = 0; index < 50; index++) writeFileSync(join(rootfs, "srv/data", `f${index}`), "x");
    await Promise.all(Array.from({ length: 4 }, () => copyUp(volume, rootfs, "/srv/data")));
    assert.equal(readdirSync(volume.mountpoint).length, 50);
  });
});
