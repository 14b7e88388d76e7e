import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { decodeEvent } from "@slipway/client/events";
import type { Damage } from "@slipway/core/integrity";
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
});
