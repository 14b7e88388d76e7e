import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Snapshotter } from "@slipway/core/snapshots";
import { Fixture } from "./testing/fixture.ts";

const refLabel = "containerd.io/snapshot.ref";

describe("NamespacedSnapshotter", () => {
  let fixture: Fixture;
  let a: Snapshotter;
  let b: Snapshotter;
  const scoped = (namespace: string, lease?: string): Snapshotter =>
    fixture.metadata.scoped({ namespace, ...(lease === undefined ? {} : { lease }) }).snapshotter("memory");
  const names = async (snapshotter: Snapshotter, ...filters: string[]): Promise<string[]> =>
    (await Array.fromAsync(snapshotter.walk(filters))).map(({ name }) => name);
  beforeEach(() => {
    fixture = new Fixture();
    a = scoped("a");
    b = scoped("b");
  });
  afterEach(async () => await fixture[Symbol.asyncDispose]());

  it("keeps keys apart by namespace, and says below where they come from", async () => {
    await a.prepare("k/1", "");
    await b.prepare("k/1", "");
    await a.commit("layer", "k/1");
    await a.view("v", "layer");
    assert.deepEqual([...fixture.snapshotter.infos.keys()].toSorted(), ["a/2/layer", "a/3/v", "b/1/k/1"]);
    assert.deepEqual(await names(a), ["layer", "v"]);
    assert.deepEqual(await names(a, "kind==view,parent==layer"), ["v"]);
    assert.deepEqual(await a.mounts("v"), [{ type: "bind", source: "a/3/v", options: [] }]);
    assert.equal((await a.stat("v")).parent, "layer");
    await assert.rejects(b.stat("layer"), {
      code: "not_found",
      message: "snapshot layer does not exist: not found",
    });
  });

  it("refuses a key that is taken and a parent that is not there", async () => {
    await a.prepare("k", "");
    await assert.rejects(a.prepare("k", ""), {
      code: "already_exists",
      message: 'snapshot "k": already exists',
    });
    await assert.rejects(a.prepare("x", "none"), {
      code: "not_found",
      message: "parent snapshot none does not exist: not found",
    });
    await assert.rejects(a.prepare("x", "k"), { code: "invalid_argument" });
    await a.prepare("y", "");
    await a.commit("layer", "y");
    await assert.rejects(a.commit("layer", "k"), {
      code: "already_exists",
      message: 'snapshot "layer": already exists',
    });
    assert.deepEqual(await names(a), ["k", "layer"]);
  });

  it("lets one of two who commit under a name at once have it", async () => {
    await Promise.all([a.prepare("x", ""), a.prepare("y", "")]);
    const outcomes = await Promise.allSettled([a.commit("layer", "x"), a.commit("layer", "y")]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    assert.equal((await names(a)).length, 2);
  });

  it("removes the name at once and keeps a parent that has children", async () => {
    await a.prepare("x", "");
    await a.commit("base", "x");
    await a.prepare("y", "base");
    await a.commit("top", "y");
    await assert.rejects(a.remove("base"), {
      code: "failed_precondition",
      message: "cannot remove snapshot with child: failed precondition",
    });
    await a.remove("top");
    await a.remove("base");
    assert.deepEqual(await names(a), []);
    assert.equal(fixture.snapshotter.infos.size, 2);
    await fixture.metadata.garbage.collect();
    assert.equal(fixture.snapshotter.infos.size, 0);
  });

  it("puts a snapshot without a parent on one when it is committed", async () => {
    await a.prepare("x", "");
    await a.commit("base", "x");
    await a.prepare("y", "");
    await assert.rejects(a.commit("top", "y", { parent: "none" }), { code: "not_found" });
    await a.commit("top", "y", { parent: "base" });
    assert.equal((await a.stat("top")).parent, "base");
    assert.equal(
      [...fixture.snapshotter.infos.values()].find(({ name }) => name.endsWith("/top"))?.parent,
      "a/2/base",
    );
    await assert.rejects(a.remove("base"), { code: "failed_precondition" });
    await a.remove("top");
    await a.remove("base");
  });

  it("keeps labels, and tells the snapshotter of those that are for it", async () => {
    const labels = { own: "1", "containerd.io/snapshot/x": "2" };
    await a.prepare("k", "", { labels });
    assert.deepEqual(fixture.snapshotter.infos.get("a/1/k")?.labels, { "containerd.io/snapshot/x": "2" });
    assert.deepEqual((await a.stat("k")).labels, labels);
    const updated = await a.update({ name: "k", labels: { own: "3" } }, ["labels.own"]);
    assert.deepEqual(updated.labels, { ...labels, own: "3" });
    await assert.rejects(a.update({ name: "k", labels: {} }, ["kind"]), {
      code: "invalid_argument",
      message: 'cannot update "kind" field on snapshot "k": invalid argument',
    });
  });

  it("takes a snapshot that the snapshotter has already", async () => {
    fixture.snapshotter.remote.add("chain");
    const labels = { [refLabel]: "chain" };
    await assert.rejects(a.prepare("k", "", { labels }), {
      code: "already_exists",
      message: 'target snapshot "chain" from snapshotter: already exists',
    });
    assert.equal((await a.stat("chain")).kind, "committed");
    await assert.rejects(a.stat("k"), { code: "not_found" });
    await assert.rejects(a.prepare("k", "", { labels }), {
      code: "already_exists",
      message: 'target snapshot "chain": already exists',
    });
    await a.prepare("work", "chain");
  });

  it("has the lease of its scope hold what it makes, also what was there", async () => {
    const { leases } = fixture.metadata.scoped({ namespace: "a" });
    await leases.create({ id: "l" });
    const held = async (): Promise<string[]> => (await leases.listResources("l")).map(({ id }) => id);
    await a.prepare("x", "");
    await a.commit("layer", "x");
    const leased = scoped("a", "l");
    await leased.prepare("y", "layer");
    assert.deepEqual(await held(), ["y"]);
    await assert.rejects(leased.prepare("layer", ""), { code: "already_exists" });
    await leased.commit("top", "y");
    assert.deepEqual(await held(), ["layer", "top"]);
    await assert.rejects(scoped("a", "none").prepare("z", ""), { code: "not_found" });
    assert.deepEqual(
      [...fixture.snapshotter.infos.keys()].filter((key) => key.endsWith("/z")),
      [],
    );
  });

  it("says what was prepared, committed and removed", async () => {
    await a.prepare("x", "");
    await a.commit("layer", "x");
    await a.view("v", "layer");
    await a.remove("v");
    assert.deepEqual(fixture.events, [
      ["a", "/snapshot/prepare", { key: "x", parent: "", snapshotter: "memory" }],
      ["a", "/snapshot/commit", { key: "x", name: "layer", snapshotter: "memory" }],
      ["a", "/snapshot/remove", { key: "v", snapshotter: "memory" }],
    ]);
  });
});
