import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ScopedStores } from "@slipway/core/stores";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { Fixture, writeBlob } from "./testing/fixture.ts";

describe("Collector", () => {
  let fixture: Fixture;
  let stores: ScopedStores;
  beforeEach(() => {
    fixture = new Fixture();
    stores = fixture.metadata.scoped({ namespace: "a" });
  });
  afterEach(async () => await fixture[Symbol.asyncDispose]());

  const past = new Date(Date.now() - 60_000).toISOString();
  const future = new Date(Date.now() + 60_000).toISOString();
  const put = async (text: string, labels?: Record<string, string>): Promise<Digest> =>
    await writeBlob(stores.content, text, labels);
  const image = async (name: string, target: Digest, labels: Record<string, string> = {}): Promise<void> => {
    await stores.images.create({ name, labels, target: { mediaType: "x/y", digest: target, size: 1 } });
  };
  const layer = async (name: string, parent = "", labels: Record<string, string> = {}): Promise<void> => {
    const snapshotter = stores.snapshotter("memory");
    await snapshotter.prepare(`${name}-work`, parent);
    await snapshotter.commit(name, `${name}-work`, { labels });
  };
  /** What is left, and that the backends have the same. */
  const left = async (): Promise<string[]> => {
    const blobs = (await Array.fromAsync(stores.content.walk())).map(({ digest }) => digest);
    const below = (await Array.fromAsync(fixture.below.walk())).map(({ digest }) => digest);
    assert.deepEqual(below.toSorted(), blobs.toSorted());
    const snapshots = (await Array.fromAsync(stores.snapshotter("memory").walk())).map(({ name }) => name);
    assert.equal(fixture.snapshotter.infos.size, snapshots.length);
    const images = (await stores.images.list()).map(({ name }) => name);
    return [...blobs.map((digest) => texts.get(digest) ?? digest), ...snapshots, ...images].toSorted();
  };
  const texts = new Map(
    ["manifest", "config", "layer", "other", "orphan"].map((text) => [digestOf(text), text]),
  );
  const collected = async (): Promise<string[]> => {
    await fixture.metadata.garbage.collect();
    return await left();
  };

  it("keeps what an image reaches by labels, and nothing else", async () => {
    await put("config", { "containerd.io/gc.ref.snapshot.memory": "top" });
    await put("layer");
    await put("other");
    await put("orphan", { "containerd.io/gc.ref.contentious": digestOf("other") });
    await image(
      "img",
      await put("manifest", {
        "containerd.io/gc.ref.content.config": digestOf("config"),
        "containerd.io/gc.ref.content.l.0": digestOf("layer"),
      }),
    );
    await layer("base");
    await layer("top", "base");
    await layer("beside", "base");
    assert.deepEqual(await collected(), ["base", "config", "img", "layer", "manifest", "top"]);
    await stores.snapshotter("memory").prepare("last", "top");
    await stores.images.delete("img", { sync: true });
    assert.deepEqual(await left(), []);
  });

  it("keeps a container's snapshot with its parents, and goes on without the container", async () => {
    await layer("base");
    await stores.snapshotter("memory").prepare("rootfs", "base");
    await stores.containers.create({
      id: "c",
      labels: {},
      image: "",
      runtime: { name: "r" },
      spec: { typeUrl: "x", value: new Uint8Array() },
      snapshotter: "memory",
      snapshotKey: "rootfs",
      extensions: {},
      sandboxId: "",
    });
    assert.deepEqual(await collected(), ["base", "rootfs"]);
    await stores.containers.delete("c");
    assert.deepEqual(await collected(), []);
  });

  it("keeps what has a root label", async () => {
    await put("other", { "containerd.io/gc.root": past });
    await put("orphan");
    await layer("base");
    await layer("rooted", "base", { "containerd.io/gc.root": "1" });
    assert.deepEqual(await collected(), ["base", "other", "rooted"]);
  });

  it("keeps what a lease holds with all that it reaches, and a flat one only what it names", async () => {
    await put("layer");
    await put("manifest", { "containerd.io/gc.ref.content.0": digestOf("layer") });
    await layer("base", "", { "containerd.io/gc.ref.content": digestOf("layer") });
    await layer("top", "base");
    await stores.leases.create({ id: "whole" });
    await stores.leases.create({ id: "flat", labels: { "containerd.io/gc.flat": "1" } });
    for (const id of ["whole", "flat"]) {
      await stores.leases.addResource(id, { type: "content", id: digestOf("manifest") });
      await stores.leases.addResource(id, { type: "snapshots/memory", id: "top" });
    }
    assert.deepEqual(await collected(), ["base", "layer", "manifest", "top"]);
    await stores.leases.delete("whole", { sync: true });
    assert.deepEqual(await left(), ["base", "manifest", "top"]);
    await stores.leases.delete("flat", { sync: true });
    assert.deepEqual(await left(), []);
  });

  it("drops leases and images when they expire", async () => {
    const labels = { "containerd.io/gc.expire": past };
    await stores.leases.create({ id: "old", labels });
    await stores.leases.create({ id: "new", labels: { "containerd.io/gc.expire": future } });
    await stores.leases.create({ id: "odd", labels: { "containerd.io/gc.expire": "soon" } });
    await put("other");
    await put("layer");
    await stores.leases.addResource("old", { type: "content", id: digestOf("other") });
    await stores.leases.addResource("new", { type: "content", id: digestOf("layer") });
    await image("old", digestOf("other"), labels);
    await image("held", await put("config"), labels);
    await stores.leases.addResource("new", { type: "images", id: "held" });
    fixture.events.length = 0;
    assert.deepEqual(await collected(), ["config", "held", "layer"]);
    assert.deepEqual(
      (await stores.leases.list()).map(({ id }) => id),
      ["new", "odd"],
    );
    assert.deepEqual(fixture.events, [["a", "/images/delete", { name: "old" }]]);
  });

  it("follows references backwards", async () => {
    await image("img", await put("manifest"));
    await put("other", { "containerd.io/gc.bref.image.x": "img" });
    await put("layer", { "containerd.io/gc.bref.content": digestOf("other") });
    await put("orphan", { "containerd.io/gc.bref.image": "none" });
    await layer("attached", "", { "containerd.io/gc.bref.content.1": digestOf("manifest") });
    await put("config", { "containerd.io/gc.bref.snapshot.memory/x": "attached" });
    assert.deepEqual(await collected(), ["attached", "config", "img", "layer", "manifest", "other"]);
  });

  it("keeps a snapshot by a condition while it was used lately", async () => {
    await layer("lately", "", { "containerd.io/gc.cond.value-usedat": past });
    await layer("long-ago", "", { "containerd.io/gc.cond.value-usedat": "2001-01-01T00:00:00Z" });
    await layer("unknown");
    await image("img", await put("manifest"), {
      "containerd.io/gc.cond.snapshot.memory/1": "usedat<1h|lately",
      "containerd.io/gc.cond.snapshot.memory/2": "usedat<1h|long-ago",
      "containerd.io/gc.cond.snapshot.memory/3": "usedat<1h|unknown",
      "containerd.io/gc.cond.snapshot.memory/4": "usedat<soon|unknown",
    });
    assert.deepEqual(await collected(), ["img", "lately", "manifest"]);
  });

  it("keeps an ingest and the blob that it shares, but not beyond its lease", async () => {
    const { leases } = stores;
    await leases.create({ id: "l" });
    const { content } = fixture.metadata.scoped({ namespace: "a", lease: "l" });
    {
      await using _free = await stores.content.writer("free");
      await using leased = await content.writer("leased");
      await leased.write(Buffer.from("x"));
    }
    await fixture.metadata.garbage.collect();
    assert.deepEqual(
      (await content.listStatuses()).map(({ ref }) => ref),
      ["free", "leased"],
    );
    const other = fixture.metadata.scoped({ namespace: "b" }).content;
    const digest = await put("other");
    await using shared = await other.writer("shared", { expected: digest });
    await stores.content.delete(digest);
    await leases.delete("l", { sync: true });
    assert.deepEqual(
      (await content.listStatuses()).map(({ ref }) => ref),
      ["free"],
    );
    assert.equal(await shared.commit(), digest);
    assert.equal((await other.info(digest)).sizeBytes, 5);
  });

  it("keeps to a namespace", async () => {
    const other = fixture.metadata.scoped({ namespace: "b" });
    const digest = await writeBlob(other.content, "other");
    await image("img", digest);
    await fixture.metadata.garbage.collect();
    await assert.rejects(other.content.info(digest), { code: "not_found" });
  });

  it("removes what a crash left without a name", async () => {
    await writeBlob(fixture.below, "orphan");
    await (await fixture.below.writer("a/1/lost"))[Symbol.asyncDispose]();
    await fixture.snapshotter.prepare("a/1/x", "");
    await fixture.snapshotter.commit("a/2/base", "a/1/x");
    await fixture.snapshotter.prepare("a/3/y", "a/2/base");
    assert.deepEqual(await collected(), []);
    assert.deepEqual(await fixture.below.listStatuses(), []);
  });

  it("lets go on who makes things under a lease meanwhile", async () => {
    await stores.leases.create({ id: "l" });
    const leased = fixture.metadata.scoped({ namespace: "a", lease: "l" });
    const snapshotter = leased.snapshotter("memory");
    const made = Array.from({ length: 20 }, async (_, index) => {
      await writeBlob(leased.content, `blob ${index}`);
      await snapshotter.prepare(`s${index}`, "");
      await snapshotter.commit(`c${index}`, `s${index}`);
    });
    const collections = Array.from({ length: 20 }, async () => {
      // Everything of the snapshotter has to be looked at each time.
      await stores
        .snapshotter("memory")
        .prepare("garbage", "")
        .catch(() => undefined);
      await fixture.metadata.garbage.collect();
    });
    await Promise.all([...made, ...collections]);
    await fixture.metadata.garbage.collect();
    assert.equal((await left()).length, 40);
  });

  it("collects once for all who ask at once", async () => {
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => fixture.metadata.garbage.collect()));
    assert.ok(others.every((stats) => stats === first));
  });
});
