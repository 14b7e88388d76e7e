import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Mount } from "@slipway/core/mounts/mount";
import { snapshotterConformance } from "@slipway/core/snapshots/conformance";
import type { Snapshotter } from "@slipway/core/snapshots";
import { makeTar, type Member } from "@slipway/layers/testing/archive";
import { FileThreads } from "@slipway/layers/threads";
import { mountAll, unmount } from "@slipway/linux/mount";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { LocalContentStore } from "../content-local/store.ts";
import { applyBlob } from "../diff-walking/apply.ts";
import { FolderSnapshotter } from "../snapshot-storage/folder-snapshotter.ts";
import { overlayFolders } from "../snapshots-overlay/overlay-folders.ts";
import { overlayOptions } from "../snapshots-overlay/kernel-support.ts";
import { SqliteStore } from "../store-sqlite/sqlite-store.ts";
import { LayersAhead } from "../layers-ahead/layers-ahead.ts";
import { LayerImages } from "./layer-images.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const base = overlayFolders({ mountOptions: overlayOptions([]), upperdirLabel: false });

interface Opened extends AsyncDisposable {
  readonly snapshotter: Snapshotter;
  readonly content: LocalContentStore;
  readonly threads: FileThreads;
  readonly images: LayerImages;
  readonly ahead: LayersAhead;
}

async function open(root: string): Promise<Opened> {
  fs.mkdirSync(join(root, "content"), { recursive: true });
  const store = SqliteStore.open(join(root, "test.db"));
  const threads = new FileThreads();
  const ahead = new LayersAhead(threads);
  ahead.offer("overlayfs", { folder: join(root, "ahead"), isWanted: async () => true });
  const content = new LocalContentStore(join(root, "content"), undefined, ahead);
  const parts = { root, name: "overlayfs", store, threads, log };
  const images = new LayerImages({
    ...parts,
    content,
    support: { isWanted: async () => true, whyNot: async () => undefined },
  });
  const folders = images.folders(base);
  const snapshotter = await FolderSnapshotter.open({ ...parts, folders, removesLater: true });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await images[Symbol.asyncDispose]();
    await ahead[Symbol.asyncDispose]();
    await threads[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
  snapshotter[Symbol.asyncDispose] = close;
  return { snapshotter, content, threads, images, ahead, [Symbol.asyncDispose]: close };
}

snapshotterConformance("overlayfs with layer images", {
  open: async (root) => (await open(root)).snapshotter,
  mount: mountAll,
});

let root: string;
let opened: Opened;
// Whether images are made while their blobs come.
let isAhead = false;
beforeEach(async () => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-images-"));
  for (const name of ["state", "target"]) fs.mkdirSync(join(root, name));
  opened = await open(root);
});
afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  assert.deepEqual(mounted(), []);
  fs.rmSync(root, { recursive: true });
});

function mounted(): string[] {
  const points = readMountInfo().map(({ mountPoint }) => mountPoint);
  return points.filter((point) => point.startsWith(root)).map((point) => point.slice(root.length + 1));
}

function inside<T>(mounts: readonly Mount[], work: (tree: string) => T): T {
  using _ = mountAll(mounts, join(root, "target"));
  return work(join(root, "target"));
}

async function putBlob(members: readonly Member[]): Promise<Digest> {
  const tar = makeTar(members);
  const layer = { digest: digestOf(tar), snapshotter: "overlayfs" };
  await using writer = await opened.content.writer(layer.digest, isAhead ? { layer } : {});
  await writer.write(tar);
  return await writer.commit();
}

async function apply(mounts: readonly Mount[], members: readonly Member[]): Promise<void> {
  const { content, threads, ahead } = opened;
  const digest = await putBlob(members);
  const layer = { mediaType: mediaTypes.ociLayer, digest, size: 0 };
  const applied = await applyBlob(
    content,
    layer,
    mounts,
    {},
    { threads, ahead, log, stateDir: join(root, "state") },
  );
  assert.equal(applied.digest, digest);
}

/** As a client unpacks a layer. */
async function unpack(name: string, parent: string, members: readonly Member[]): Promise<void> {
  const key = `extract-1-x ${name}`;
  await apply(await opened.snapshotter.prepare(key, parent), members);
  await opened.snapshotter.commit(name, key);
}

const one: Member[] = [
  { type: "file", name: "dir/a", data: "one" },
  { type: "file", name: "dir/b", data: "one" },
  { type: "directory", name: "dir", mode: 0o711, uid: 7 },
];
const two: Member[] = [
  { type: "file", name: "dir/.wh.a" },
  { type: "file", name: "dir/c", data: "two" },
];
const imageOf = (id: number): string => join(root, "snapshots", String(id), "layer.erofs");

for (const ahead of [false, true]) {
  describe(`layers that a client unpacks${ahead ? ", made while their blobs come" : ""}`, () => {
    beforeEach(() => (isAhead = ahead));
    afterEach(() => (isAhead = false));

    it("become images, which are mounted while something is above them", async () => {
      const { snapshotter } = opened;
      await unpack("one", "", one);
      await unpack("two", "one", two);
      assert.deepEqual(fs.readdirSync(join(root, "snapshots/2")).sort(), [
        "fs",
        "layer-blob",
        "layer.erofs",
        "work",
      ]);
      inside(await snapshotter.prepare("top", "two"), (tree) => {
        assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["b", "c"]);
        // The upper layer does not say how the directory is: the lower one does.
        const { mode, uid } = fs.statSync(join(tree, "dir"));
        assert.deepEqual([mode & 0o7777, uid], [0o711, 7]);
        fs.writeFileSync(join(tree, "dir/b"), "changed");
      });
      assert.deepEqual(mounted(), ["snapshots/1/fs", "snapshots/2/fs"]);
      assert.ok((await snapshotter.usage("one")).sizeBytes >= 4096);
      await snapshotter.remove("top");
      await snapshotter.remove("two");
      await snapshotter.cleanup?.();
      assert.deepEqual(mounted(), ["snapshots/1/fs"]);
      inside(await snapshotter.view("view", "one"), (tree) => {
        assert.equal(fs.readFileSync(join(tree, "dir/a"), "utf8"), "one");
        assert.throws(() => fs.writeFileSync(join(tree, "x"), ""), { code: "EROFS" });
      });
    });

    it("are files again for who asks for the mounts before the commit", async () => {
      const { snapshotter } = opened;
      await unpack("one", "", one);
      await apply(await snapshotter.prepare("extract-1-x two", "one"), two);
      inside(await snapshotter.mounts("extract-1-x two"), (tree) => {
        assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["b", "c"]);
        fs.writeFileSync(join(tree, "dir/d"), "");
      });
      await snapshotter.commit("two", "extract-1-x two");
      // Nobody can tell whether files are what they were.
      assert.equal(await snapshotter.verify?.("two"), undefined);
      assert.equal(await snapshotter.verify?.("one"), digestOf(makeTar(one)));
      inside(await snapshotter.view("view", "two"), (tree) => {
        assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["b", "c", "d"]);
      });
      const early = await snapshotter.prepare("extract-1-x three", "two");
      assert.deepEqual(await snapshotter.mounts("extract-1-x three"), early);
      await apply(early, [{ type: "file", name: "e" }]);
      assert.equal(fs.existsSync(imageOf(4)), false);
    });

    it("take a second layer on top of the first", async () => {
      const mounts = await opened.snapshotter.prepare("extract-1-x both", "");
      await apply(mounts, one);
      await apply(mounts, [{ type: "file", name: "dir/c", data: "two" }]);
      await opened.snapshotter.commit("both", "extract-1-x both");
      inside(await opened.snapshotter.view("view", "both"), (tree) => {
        assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["a", "b", "c"]);
      });
    });
  });
}

describe("an image that is made while its blob comes", () => {
  beforeEach(() => (isAhead = true));
  afterEach(() => (isAhead = false));

  it("has the bytes of one that is made of the blob", async () => {
    const { content, threads, snapshotter } = opened;
    await unpack("one", "", one);
    await unpack("two", "one", two);
    const mounts = await snapshotter.prepare("top", "one");
    const lower = mounts[0]?.options.find((option) => option.startsWith("lowerdir="))?.slice(9) ?? "";
    const options = { root: join(root, "target"), parents: [lower] };
    fs.chmodSync(options.root, 0o755);
    await threads.unpackImage(content.read(digestOf(makeTar(two))), join(root, "again"), options);
    assert.ok(fs.readFileSync(imageOf(2)).equals(fs.readFileSync(join(root, "again"))));
  });

  it("is nobody's when the blob is not what was expected, or is no layer", async () => {
    const { content, ahead } = opened;
    for (const bytes of [Buffer.from("not a layer"), makeTar(one).subarray(0, 514)]) {
      const layer = { digest: digestOf(bytes), snapshotter: "overlayfs" };
      await using writer = await content.writer("ref", { layer });
      await writer.write(bytes);
      assert.equal(await writer.commit(), layer.digest);
      assert.equal(await ahead.take(layer.digest, join(root, "taken")), undefined);
    }
    const expected = digestOf("another");
    {
      await using writer = await content.writer("ref", {
        layer: { digest: expected, snapshotter: "overlayfs" },
      });
      await writer.write(makeTar(two));
      await assert.rejects(writer.commit({ expected }), { code: "failed_precondition" });
    }
    assert.equal(await ahead.take(expected, join(root, "taken")), undefined);
    assert.deepEqual(fs.readdirSync(join(root, "ahead")), []);
  });

  it("is made from the start when an ingest is continued", async () => {
    const { content, ahead } = opened;
    const tar = makeTar(one);
    const layer = { digest: digestOf(tar), snapshotter: "overlayfs" };
    {
      await using writer = await content.writer("ref", { layer });
      await writer.write(tar.subarray(0, 1000));
    }
    await using writer = await content.writer("ref", { layer });
    assert.equal(writer.status().offset, 1000);
    await writer.write(tar.subarray(1000));
    await writer.commit();
    assert.equal((await ahead.take(layer.digest, join(root, "taken")))?.diffId, layer.digest);
  });
});

describe("a daemon that starts again", () => {
  it("knows what it had mounted, and mounts what is missing", async () => {
    await unpack("one", "", one);
    await unpack("two", "one", two);
    const mounts = await opened.snapshotter.prepare("top", "two");
    // As after kill -9, then as after a reboot.
    let next = await open(root);
    await next.images.restore();
    assert.deepEqual(mounted(), ["snapshots/1/fs", "snapshots/2/fs"]);
    unmount(join(root, "snapshots/1/fs"));
    unmount(join(root, "snapshots/2/fs"));
    await next[Symbol.asyncDispose]();
    next = await open(root);
    await next.images.restore();
    inside(mounts, (tree) => assert.equal(fs.readFileSync(join(tree, "dir/c"), "utf8"), "two"));
    await next[Symbol.asyncDispose]();
    assert.deepEqual(mounted(), []);
  });

  it("makes a damaged layer again from its blob when it is used, and never shows an empty one", async () => {
    await unpack("one", "", one);
    await unpack("two", "one", two);
    const whole = fs.readFileSync(imageOf(2));
    const folder = dirname(imageOf(2));
    const damages: (() => void)[] = [
      () => fs.rmSync(imageOf(2)),
      () => fs.truncateSync(imageOf(2), whole.length - 1),
      () => fs.truncateSync(imageOf(2), 100),
      () => fs.writeFileSync(imageOf(2), Buffer.concat([Buffer.alloc(4096), whole.subarray(4096)])),
      () => fs.rmSync(join(folder, "fs"), { recursive: true }),
    ];
    for (const [index, damage] of damages.entries()) {
      await opened[Symbol.asyncDispose]();
      opened = await open(root);
      damage();
      await assert.rejects(async () => await opened.snapshotter.verify?.("two"), { code: "data_loss" });
      inside(await opened.snapshotter.view(`view-${index}`, "two"), (tree) => {
        assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["b", "c"]);
      });
      assert.ok(fs.readFileSync(imageOf(2)).equals(whole));
      await opened.snapshotter.remove(`view-${index}`);
    }
    await opened[Symbol.asyncDispose]();
    opened = await open(root);
    fs.rmSync(folder, { recursive: true });
    await assert.rejects(opened.snapshotter.view("gone", "two"), {
      code: "data_loss",
      message: /Cannot use layer 2: its directory ".*" is gone: remove its image and pull it again/,
    });
  });

  it("makes the scratch directory of an active snapshot again, and says when its files are gone", async () => {
    await unpack("one", "", one);
    await opened.snapshotter.prepare("active", "one");
    const folder = join(dirname(dirname(imageOf(1))), "2");
    fs.rmSync(join(folder, "work"), { recursive: true });
    inside(await opened.snapshotter.mounts("active"), (tree) => fs.writeFileSync(join(tree, "new"), ""));
    fs.rmSync(join(folder, "fs"), { recursive: true });
    await assert.rejects(opened.snapshotter.mounts("active"), {
      code: "data_loss",
      message: /Cannot use snapshot 2: its directory ".*" is gone/,
    });
  });

  it("makes a torn layer again from its blob, and says so when it cannot", async () => {
    const rows = {
      name: "snapshots/overlayfs/images",
      encode: (v: Digest) => Buffer.from(v),
      decode: String,
    };
    const tear = async (id: number, blob: Digest): Promise<void> => {
      await opened[Symbol.asyncDispose]();
      const store = SqliteStore.open(join(root, "test.db"));
      await store.update((transaction) => transaction.put(rows, String(id), blob));
      await store[Symbol.asyncDispose]();
      fs.truncateSync(imageOf(id), fs.statSync(imageOf(id)).size - 1000);
    };
    await unpack("one", "", one);
    await unpack("two", "one", two);
    const blob = digestOf(makeTar(two));
    const whole = fs.readFileSync(imageOf(2));
    await tear(2, blob);
    opened = await open(root);
    inside(await opened.snapshotter.view("view", "two"), (tree) => {
      assert.deepEqual(fs.readdirSync(join(tree, "dir")).sort(), ["b", "c"]);
    });
    assert.ok(fs.readFileSync(imageOf(2)).equals(whole));
    await opened.content.delete(blob);
    await tear(2, blob);
    opened = await open(root);
    await assert.rejects(opened.snapshotter.view("again", "two"), {
      code: "data_loss",
      message: /layer 2: its image ".*" is cut off, and cannot be made again from blob sha256:/,
    });
    await opened.snapshotter.view("below", "one");
    await using writer = await opened.content.writer("again");
    await writer.write(makeTar(two));
    await writer.commit({ expected: blob });
    await opened.snapshotter.view("again", "two");
    assert.ok(fs.readFileSync(imageOf(2)).equals(whole));
  });
});
