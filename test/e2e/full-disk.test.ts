import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output, type Result, run } from "../support/run.ts";
import { until } from "../support/until.ts";

const megabyte = 1024 * 1024;
const layerBytes = 12 * megabyte;
const newCtr = join(import.meta.dirname, "../../.tools/bin/ctr");

/** An ext4 of its own, as large as a disk that becomes full. */
class SmallDisk implements Disposable {
  readonly folder = new TestFolder("disk");
  readonly path = this.folder.join("d");

  static async make(sizeBytes: number): Promise<SmallDisk> {
    const disk = new SmallDisk();
    const image = disk.folder.join("image");
    writeFileSync(image, "");
    truncateSync(image, sizeBytes);
    mkdirSync(disk.path);
    await output("mkfs.ext4", ["-q", "-m", "0", image]);
    await output("mount", ["-o", "loop", image, disk.path]);
    return disk;
  }

  /** Takes all room but this. */
  async leave(bytes: number): Promise<void> {
    const { bavail, bsize } = statfsSync(this.path);
    await output("fallocate", ["-l", String(bavail * bsize - bytes), join(this.path, "ballast")]);
  }

  free(): void {
    rmSync(join(this.path, "ballast"), { force: true });
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

for (const format of ["directory", "erofs"]) {
  describe(`a full disk, layers as ${format}`, () => {
    let disk: SmallDisk;
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let image: string;
    before(async () => {
      disk = await SmallDisk.make(128 * megabyte);
      registry = await TestRegistry.start();
      image = `${registry.host}/large:1`;
      using folder = new TestFolder("layers");
      makeRootfs(folder.join("0"));
      for (const name of ["1", "2"]) {
        mkdirSync(folder.join(name));
        writeFileSync(folder.join(name, `file${name}`), randomFillSync(Buffer.alloc(layerBytes)));
      }
      await makeImage(`docker://${image}`, { layers: ["0", "1", "2"].map((name) => folder.join(name)) });
      const config = `[plugins."io.containerd.snapshotter.v1.overlayfs"]\nlayer_format = "${format}"`;
      daemon = await TestDaemon.start("slipwayd", { root: join(disk.path, "root"), config });
    });
    afterEach(() => disk.free());
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      disk[Symbol.dispose]();
    });

    /** Nothing of a pull that failed is there, once it has been collected. */
    async function nothingLeft(): Promise<void> {
      const ctr = async (...args: readonly string[]): Promise<string> =>
        (await daemon.ctr(["-n", "default", ...args])).stdout.trim();
      const snapshots = join(daemon.root, "io.containerd.snapshotter.v1.overlayfs/snapshots");
      const ingests = join(daemon.root, "io.containerd.content.v1.content/ingest");
      await until(async () => {
        const left = [
          await ctr("leases", "ls", "-q"),
          await ctr("images", "ls", "-q"),
          ...[snapshots, ingests].flatMap((path) => readdirSync(path)),
        ].filter(Boolean);
        return left.length === 0;
      });
    }

    const transfer = ["images", "pull", "--local=false", "--plain-http"];
    const pulls: Readonly<Record<string, () => Promise<Result>>> = {
      "slipway pull": () => daemon.slipway(["pull", "-q", image]),
      "a client's pull": () => daemon.ctr(["-n", "default", "images", "pull", "--plain-http", image]),
      "a transfer": () => run(newCtr, ["-a", daemon.address, "-n", "default", ...transfer, image]),
    };
    for (const [name, pull] of Object.entries(pulls)) {
      // Before the first layer is there, and when all have been fetched.
      for (const roomBytes of [layerBytes / 2, 2.5 * layerBytes]) {
        it(`${name} with ${roomBytes / megabyte} MiB of room says so, leaves nothing, and succeeds with more`, async () => {
          await disk.leave(roomBytes);
          const { code, stderr, stdout } = await pull();
          assert.notEqual(code, 0, stdout);
          assert.match(stderr, /no space left on device|is full/);
          assert.ok(stderr.includes(disk.path), stderr);
          // Where the client unpacks, it has made the image before.
          if (name === "a client's pull") await daemon.ctr(["-n", "default", "images", "rm", image]);
          await nothingLeft();
          disk.free();
          const again = await pull();
          assert.equal(again.code, 0, again.stderr);
          await daemon.printed("rmi", "-f", image);
          await nothingLeft();
        });
      }
    }
  });
}
