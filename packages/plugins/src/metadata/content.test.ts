import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import type { ContentStore } from "@slipway/core/content";
import { contentConformance } from "@slipway/core/content/conformance";
import { digestOf } from "@slipway/oci/digest";
import { Fixture, writeBlob } from "./testing/fixture.ts";

const fixtures = new AsyncDisposableStack();
after(async () => await fixtures.disposeAsync());
contentConformance(
  "NamespacedContent",
  () => fixtures.use(new Fixture()).metadata.scoped({ namespace: "a" }).content,
);

describe("NamespacedContent", () => {
  let fixture: Fixture;
  let a: ContentStore;
  let b: ContentStore;
  const open = (policy?: "isolated"): void => {
    fixture = fixtures.use(new Fixture(policy));
    a = fixture.metadata.scoped({ namespace: "a" }).content;
    b = fixture.metadata.scoped({ namespace: "b" }).content;
  };
  beforeEach(() => open());

  it("shows a blob to the namespaces that have it", async () => {
    const digest = await writeBlob(a, "hello");
    await assert.rejects(b.info(digest), { code: "not_found" });
    await assert.rejects(Array.fromAsync(b.read(digest)), { code: "not_found" });
    assert.deepEqual(await Array.fromAsync(b.walk()), []);
    await writeBlob(b, "hello", { x: "1" });
    assert.deepEqual((await b.info(digest)).labels, { x: "1" });
    assert.deepEqual((await a.info(digest)).labels, {});
    await a.delete(digest);
    assert.equal(Buffer.concat(await Array.fromAsync(b.read(digest))).toString(), "hello");
  });

  it("needs no bytes for a blob that another namespace has, when content is shared", async () => {
    const digest = await writeBlob(a, "hello");
    await using writer = await b.writer("ref", { expected: digest, total: 5 });
    assert.deepEqual([writer.status().offset, writer.status().total], [5, 5]);
    await assert.rejects(b.info(digest), { code: "not_found" });
    assert.equal(await writer.commit({ total: 5, expected: digest }), digest);
    assert.equal((await b.info(digest)).sizeBytes, 5);
    assert.deepEqual(await b.listStatuses(), []);
  });

  it("turns a shared blob into an ingest of its own for who writes on", async () => {
    const digest = await writeBlob(a, "hello");
    await using writer = await b.writer("ref", { expected: digest });
    await writer.write(Buffer.from(", blob"));
    const longer = digestOf("hello, blob");
    assert.equal(await writer.commit({ expected: longer }), longer);
    await using again = await b.writer("ref", { expected: digest });
    await again.truncate(0);
    await again.write(Buffer.from("else"));
    assert.equal(await again.commit({ expected: digestOf("else") }), digestOf("else"));
    assert.equal(Buffer.concat(await Array.fromAsync(a.read(digest))).toString(), "hello");
  });

  it("wants the bytes when content is isolated, unless the other namespace is shareable", async () => {
    open("isolated");
    const digest = await writeBlob(a, "hello");
    {
      await using writer = await b.writer("ref", { expected: digest });
      assert.equal(writer.status().offset, 0);
    }
    await fixture.metadata.namespaces.update(
      { name: "a", labels: { "containerd.io/namespace.shareable": "true" } },
      ["labels.containerd.io/namespace.shareable"],
    );
    await using writer = await b.writer("ref2", { expected: digest });
    assert.equal(writer.status().offset, 5);
  });

  it("has refs of its own in each namespace", async () => {
    await using _a = await a.writer("ref");
    await using _b = await b.writer("ref");
    assert.deepEqual((await fixture.below.listStatuses()).map(({ ref }) => ref).toSorted(), [
      "a/1/ref",
      "b/1/ref",
    ]);
    assert.equal((await a.status("ref")).ref, "ref");
  });

  it("has the lease of its scope hold what it makes", async () => {
    const { leases } = fixture.metadata.scoped({ namespace: "a" });
    await leases.create({ id: "l" });
    const { content } = fixture.metadata.scoped({ namespace: "a", lease: "l" });
    await using writer = await content.writer("ref");
    assert.deepEqual(await leases.listResources("l"), [{ type: "ingests", id: "ref" }]);
    await writer.write(Buffer.from("x"));
    await writer.commit();
    assert.deepEqual(await leases.listResources("l"), [{ type: "content", id: digestOf("x") }]);
    await content.delete(digestOf("x"));
    assert.deepEqual(await leases.listResources("l"), []);
    await assert.rejects(fixture.metadata.scoped({ namespace: "a", lease: "none" }).content.writer("ref"), {
      code: "not_found",
      message: "lease does not exist: not found",
    });
  });

  it("says what was made and deleted", async () => {
    const digest = await writeBlob(a, "hello");
    await a.delete(digest);
    assert.deepEqual(fixture.events, [
      ["a", "/content/create", { digest, size: 5n }],
      ["a", "/content/delete", { digest }],
    ]);
  });
});
