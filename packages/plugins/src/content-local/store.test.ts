import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { contentConformance } from "@slipway/core/content/conformance";
import { FileThreads } from "@slipway/layers/threads";
import { digestOf, hexOf, parseDigest } from "@slipway/oci/digest";
import { LayersAhead } from "../layers-ahead/layers-ahead.ts";
import { LocalContentStore } from "./store.ts";

contentConformance("LocalContentStore", (root) => new LocalContentStore(root, new Map()));

describe("blobs that threads store", () => {
  const threads = new FileThreads();
  after(() => threads[Symbol.asyncDispose]());
  contentConformance(
    "LocalContentStore",
    (root) => {
      const layers = new LayersAhead(threads);
      layers.offer("any", { folder: join(root, "ahead"), isWanted: async () => true });
      const store = new LocalContentStore(root, new Map(), layers);
      const writer = store.writer.bind(store);
      store.writer = (ref, options) => {
        // One that nobody else brings meanwhile.
        const digest = options?.expected ?? digestOf(crypto.randomUUID());
        return writer(ref, { ...options, layer: { digest, snapshotter: "any" } });
      };
      return store;
    },
    { hashesElsewhere: true },
  );
});

describe("LocalContentStore", () => {
  const bytes = Buffer.from("hello, blob");
  const hex = hexOf(digestOf(bytes));
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "slipway-content-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  it("keeps a blob as containerd does: read-only, by its digest, dated by its commit", async () => {
    const store = new LocalContentStore(root);
    const begun = Date.now();
    await using writer = await store.writer("ref");
    await writer.write(bytes);
    await writer.commit();
    const path = join(root, "blobs/sha256", hex);
    assert.deepEqual(readFileSync(path), bytes);
    assert.equal(statSync(path).mode & 0o777, 0o444);
    assert.ok(statSync(path).mtimeMs >= begun - 1);
    assert.deepEqual(readdirSync(join(root, "ingest")), []);
  });

  it("keeps an ingest as containerd does", async () => {
    const store = new LocalContentStore(root);
    {
      await using writer = await store.writer("layer-1", { total: 99 });
      await writer.write(bytes);
    }
    const folder = join(root, "ingest", hexOf(digestOf("layer-1")));
    assert.deepEqual(readdirSync(folder).toSorted(), ["data", "ref", "startedat", "total", "updatedat"]);
    assert.equal(readFileSync(join(folder, "ref"), "utf8"), "layer-1");
    assert.equal(readFileSync(join(folder, "total"), "utf8"), "99");
    assert.match(readFileSync(join(folder, "startedat"), "utf8"), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("resumes, after a restart, an ingest that containerd began", async () => {
    const folder = join(root, "ingest", hexOf(digestOf("r")));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ref"), "r");
    writeFileSync(join(folder, "data"), bytes.subarray(0, 6));
    for (const name of ["startedat", "updatedat"]) {
      writeFileSync(join(folder, name), "2024-05-06T07:08:09.123456789+02:00");
    }
    const store = new LocalContentStore(root);
    assert.equal((await store.status("r")).startedAt.toISOString(), "2024-05-06T05:08:09.123456789Z");
    await using writer = await store.writer("r");
    assert.equal(writer.status().offset, 6);
    await writer.write(bytes.subarray(6));
    assert.equal(await writer.commit(), digestOf(bytes));
  });

  it("begins anew where a crash left half an ingest, or another total is expected", async () => {
    const store = new LocalContentStore(root);
    const folder = join(root, "ingest", hexOf(digestOf("r")));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "data"), "torn");
    assert.deepEqual(await store.listStatuses(), []);
    {
      await using writer = await store.writer("r", { total: 5 });
      assert.equal(writer.status().offset, 0);
      await writer.write(bytes);
    }
    await using writer = await store.writer("r", { total: bytes.length });
    assert.equal(writer.status().offset, 0);
  });

  it("hashes with the algorithm of the expected digest, known early or late", async () => {
    const store = new LocalContentStore(root);
    const expected = parseDigest(`sha512:${createHash("sha512").update(bytes).digest("hex")}`);
    for (const early of [true, false]) {
      await using writer = await store.writer("r", early ? { expected } : {});
      await writer.write(bytes);
      assert.equal(await writer.commit({ expected }), expected);
      await store.delete(expected);
    }
    assert.ok(existsSync(join(root, "blobs/sha512")));
  });

  it("passes over files that are no blobs", async () => {
    mkdirSync(join(root, "blobs/sha256"), { recursive: true });
    writeFileSync(join(root, "blobs/sha256/stray.tmp"), "");
    appendFileSync(join(root, "blobs/lost"), "");
    assert.deepEqual(await Array.fromAsync(new LocalContentStore(root).walk()), []);
  });

  it("fails the commit of an ingest that was aborted under its writer", async () => {
    const store = new LocalContentStore(root);
    await using writer = await store.writer("r");
    await writer.write(bytes);
    await store.abort("r");
    await assert.rejects(writer.commit(), /ENOENT/);
    await assert.rejects(store.info(digestOf(bytes)), { code: "not_found" });
  });

  it("has no labels without a label store", async () => {
    const store = new LocalContentStore(root);
    await using writer = await store.writer("r");
    const digest = await writer.commit({ labels: { a: "b" } });
    assert.deepEqual((await store.info(digest)).labels, {});
    await assert.rejects(store.update(digest, {}), { code: "failed_precondition" });
  });
});
