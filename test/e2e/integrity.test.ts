import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { decodeEvent } from "@slipway/client/events";
import type { Damage } from "@slipway/core/integrity";
import { readImage } from "@slipway/images/image-config";
import { punchHole } from "@slipway/linux/sparse";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { SqliteStore } from "@slipway/plugins/store-sqlite/sqlite-store";
import { TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

const background = `
[plugins."io.slipway.integrity.v1.checker"]
  interval = "10ms"
  bytes_per_second = 100000000
`;

describe("what is stored of images", () => {
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
  });
  after(async () => await registry[Symbol.asyncDispose]());

  let daemon: TestDaemon;
  const withDaemon = async (config: string, work: () => Promise<void>): Promise<void> => {
    daemon = await TestDaemon.start("slipwayd", { config });
    try {
      await printed("pull", "-q", image);
      await work();
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  };

  const printed = (...args: readonly string[]): Promise<string> => daemon.printed(...args);

  const folderOf = (id: number): string =>
    join(daemon.root, "io.containerd.snapshotter.v1.overlayfs/snapshots", String(id));
  const imageOf = (id: number): string => join(folderOf(id), "layer.erofs");
  const change = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };
  /** The next event that says that an image is damaged. */
  const damagedEvent = async (client: Client): Promise<{ name: unknown; digests: string[] }> => {
    for await (const envelope of client.events.subscribe(['topic=="/slipway/images/damaged"'])) {
      const { name, damages } = decodeEvent(envelope) ?? {};
      return { name, digests: (damages as Damage[]).map(({ digest }) => digest) };
    }
    throw new Error("the daemon ended");
  };
  const connected = (): Client => connect({ address: daemon.address, namespace: "default" });

  it("is read again, and what is hurt is named, in an event, too", async () => {
    await withDaemon("", async () => {
      assert.equal(await printed("image", "verify"), `${image}: ok\n`);
      // Inside of the tar, behind its first header.
      change(imageOf(2), 4096 + 1024);
      const said = await daemon.slipway(["image", "verify", image]);
      assert.equal(said.code, 1);
      assert.match(said.stderr, /1 of 1 images are damaged/);
      const [, layer] = /^ {2}layer (sha256:\w+) in overlayfs: .*tar was changed\n$/m.exec(said.stdout) ?? [];
      assert.ok(layer);
      await using client = connected();
      const event = damagedEvent(client);
      // By the same connection: the daemon hears of the subscription first.
      const [checked] = await Array.fromAsync(client.integrity.check([image]));
      assert.deepEqual(
        checked?.damages.map(({ digest }) => digest),
        [layer],
      );
      assert.deepEqual(await event, { name: image, digests: [layer] });
      assert.match(daemon.log, /an image is damaged/);
      change(imageOf(2), 4096 + 1024);
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
    });
  });

  it("is not the layer that it should be, when it is another one", async () => {
    await withDaemon("", async () => {
      const first = readFileSync(imageOf(1));
      writeFileSync(imageOf(2), first);
      const { code, stdout } = await daemon.slipway(["image", "verify", image]);
      assert.equal(code, 1);
      assert.match(stdout, /^ {2}layer sha256:\w+ in overlayfs: it is the layer sha256:\w+$/m);
    });
  });

  it("is read again by itself when the configuration says so", async () => {
    await withDaemon(background, async () => {
      await using client = connected();
      change(imageOf(1), statSync(imageOf(1)).size - 10);
      assert.equal((await damagedEvent(client)).name, image);
      assert.match(daemon.log, /index was changed/);
    });
  });

  it("is made again from its blob when a power cut tore it, before anybody sees it", async () => {
    await withDaemon("", async () => {
      await daemon.stop();
      // A layer that was not durable yet: its row is still there, and some of its bytes never came to the disk.
      const blob = parseDigest(readFileSync(join(folderOf(1), "layer-blob"), "utf8"));
      const rows = {
        name: "snapshots/overlayfs/images",
        encode: (digest: Digest) => Buffer.from(digest),
        decode: String,
      };
      const store = SqliteStore.open(join(daemon.root, "io.slipway.store.v1.sqlite/slipway.db"));
      await store.update((transaction) => transaction.put(rows, "1", blob));
      await store[Symbol.asyncDispose]();
      const whole = readFileSync(imageOf(1));
      const fd = openSync(imageOf(1), "r+");
      punchHole(fd, 8192, 65_536);
      closeSync(fd);
      assert.ok(!readFileSync(imageOf(1)).equals(whole));
      await daemon.start();
      assert.equal(await printed("run", "--rm", image, "echo", "whole"), "whole\n");
      assert.ok(readFileSync(imageOf(1)).equals(whole));
      assert.match(daemon.log, /a layer image was torn: it is made again/);
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
    });
  });

  const blobOf = (digest: string): string =>
    join(daemon.root, "io.containerd.content.v1.content/blobs/sha256", digest.slice("sha256:".length));
  /** The digests of the image's blobs: manifest, configuration, layers. */
  const digests = async (): Promise<[string, string, string, string]> => {
    await using client = connected();
    const { target, manifest } = await readImage(client.content, (await client.images.get(image)).target);
    const [first, second] = manifest.layers;
    assert.ok(first && second);
    return [target.digest, manifest.config.digest, first.digest, second.digest];
  };
  const overwrite = (path: string, bytes: Uint8Array): void => {
    rmSync(path, { recursive: true });
    writeFileSync(path, bytes);
  };

  it("is missed when a blob is gone or cut off, and comes back with a pull", async () => {
    await withDaemon("", async () => {
      const [manifest, , , layer] = await digests();
      for (const digest of [manifest, layer]) {
        const path = blobOf(digest);
        const whole = readFileSync(path);
        for (const hurt of [
          () => rmSync(path),
          () => truncateSync(path, whole.length - 1),
          () => (rmSync(path), mkdirSync(path)),
        ]) {
          hurt();
          const said = await daemon.slipway(["image", "verify", image]);
          assert.equal(said.code, 1);
          assert.match(said.stdout, new RegExp(`^  blob ${digest}: .*pull its image again`, "m"));
          await printed("pull", "-q", image);
          assert.ok(readFileSync(path).equals(whole));
        }
      }
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
    });
  });

  it("is not passed on when a blob is another one, and comes back with a pull", async () => {
    await withDaemon("", async () => {
      const [, , , layer] = await digests();
      const whole = readFileSync(blobOf(layer));
      const flipped = Buffer.from(whole);
      flipped[whole.length - 12] = (flipped[whole.length - 12] ?? 0) ^ 1;
      overwrite(blobOf(layer), flipped);
      const archive = daemon.folder.join("saved.tar");
      const saved = await daemon.slipway(["save", "-o", archive, image]);
      assert.match(saved.stderr, new RegExp(`blob ${layer} is damaged: its bytes have the digest`));
      assert.ok(!existsSync(archive));
      const said = await daemon.slipway(["image", "verify", image]);
      assert.match(said.stdout, new RegExp(`^  blob ${layer}: .*its bytes have the digest`, "m"));
      assert.ok(!existsSync(blobOf(layer)));
      await printed("pull", "-q", image);
      assert.ok(readFileSync(blobOf(layer)).equals(whole));
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
      // Where it is unpacked from the damaged blob, the layer is refused.
      overwrite(blobOf(layer), flipped);
      const native = ["--snapshotter", "native", "run", "--rm", "--pull", "never", image, "true"];
      const run = await daemon.slipway(native);
      assert.match(run.stderr, new RegExp(`blob ${layer} is damaged`));
    });
  });

  it("is never used without the files of a layer", async () => {
    await withDaemon("", async () => {
      const [, , , layer] = await digests();
      // Two seconds after its last user, an image is unmounted.
      await daemon.stop();
      rmSync(imageOf(2));
      await daemon.start();
      assert.match(await printed("run", "--rm", image, "cat", "/etc/passwd"), /^root:/);
      assert.match(daemon.log, /a layer is damaged: it is made again/);
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
      await daemon.stop();
      rmSync(imageOf(2));
      rmSync(blobOf(layer));
      await daemon.start();
      const refused = await daemon.slipway(["run", "--rm", image, "cat", "/etc/passwd"]);
      assert.notEqual(refused.code, 0);
      assert.match(
        refused.stderr,
        /Cannot use layer 2: its image ".*layer.erofs" is gone.*pull its image again/,
      );
      await printed("pull", "-q", image);
      assert.match(await printed("run", "--rm", image, "cat", "/etc/passwd"), /^root:/);
    });
  });
});
