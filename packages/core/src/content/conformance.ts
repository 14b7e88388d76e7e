import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Digest, digestOf } from "@slipway/oci/digest";
import type { ContentInfo, ContentProvider, ContentStore } from "./content.ts";

const hello = Buffer.from("hello, blob");
const other = Buffer.from("another one");

/**
 * What every content store does. `open` is given an empty folder for each test. `hashesElsewhere` is for stores whose
 * writers do not know a digest before the commit.
 */
export function contentConformance(
  name: string,
  open: (root: string) => ContentStore | Promise<ContentStore>,
  { hashesElsewhere = false }: { readonly hashesElsewhere?: boolean } = {},
): void {
  describe(`${name} as a content store`, () => {
    let root: string;
    let store: ContentStore;
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), "slipway-content-"));
      store = await open(root);
    });
    afterEach(() => rm(root, { recursive: true }));

    it("commits what was written, and reads it back in any range", async () => {
      const digest = await put(store, "ref", hello);
      assert.equal(digest, digestOf(hello));
      assert.equal((await store.info(digest)).sizeBytes, hello.length);
      assert.deepEqual(await bytesOf(store, digest), hello);
      assert.deepEqual(await bytesOf(store, digest, 7), hello.subarray(7));
      assert.deepEqual(await bytesOf(store, digest, 3, 4), hello.subarray(3, 7));
      assert.deepEqual(await bytesOf(store, digest, 7, 1000), hello.subarray(7));
      assert.deepEqual(await bytesOf(store, digest, hello.length), Buffer.alloc(0));
      await assert.rejects(bytesOf(store, digest, hello.length + 1), { code: "out_of_range" });
    });

    it("keeps blobs of many chunks, read whole or piece by piece, and of none", async () => {
      const large = Buffer.alloc(5_000_001, "0123456789abcdef-");
      await using writer = await store.writer("large");
      for (let at = 0; at < large.length; at += 700_000) await writer.write(large.subarray(at, at + 700_000));
      const digest = await writer.commit({ total: large.length, expected: digestOf(large) });
      assert.equal(digestOf(await bytesOf(store, digest)), digest);
      assert.deepEqual(await bytesOf(store, digest, 1_048_570, 20), large.subarray(1_048_570, 1_048_590));
      for (const step of [32 * 1024, 300_001]) {
        const pieces: Buffer[] = [];
        for (let at = 0; at < large.length; at += step) pieces.push(await bytesOf(store, digest, at, step));
        assert.equal(digestOf(Buffer.concat(pieces)), digest);
      }
      const empty = await put(store, "empty", Buffer.alloc(0));
      assert.equal((await bytesOf(store, empty)).length, 0);
    });

    it("shows nothing of an ingest before its commit, and no ingest after it", async () => {
      await using writer = await store.writer("ref", { total: hello.length });
      await writer.write(hello.subarray(0, 5));
      await assert.rejects(store.info(digestOf(hello)), { code: "not_found" });
      assert.deepEqual(await store.listStatuses(), [await store.status("ref")]);
      const { ref, offset, total, startedAt } = writer.status();
      assert.deepEqual({ ref, offset, total }, { ref: "ref", offset: 5, total: hello.length });
      assert.deepEqual((await store.status("ref")).startedAt, startedAt);
      await writer.write(hello.subarray(5));
      await writer.commit();
      assert.deepEqual(await store.listStatuses(), []);
      await assert.rejects(store.status("ref"), { code: "not_found" });
    });

    it("knows the digest of what was written so far", { skip: hashesElsewhere }, async () => {
      {
        await using writer = await store.writer("ref");
        assert.equal(writer.digest(), digestOf(""));
        await writer.write(hello.subarray(0, 4));
        assert.equal(writer.digest(), digestOf(hello.subarray(0, 4)));
      }
      await using writer = await store.writer("ref");
      assert.equal(writer.digest(), digestOf(hello.subarray(0, 4)));
      await writer.write(hello.subarray(4));
      assert.equal(writer.digest(), digestOf(hello));
      await writer.truncate(0);
      assert.equal(writer.digest(), digestOf(""));
      await writer.write(other);
      assert.equal(writer.digest(), digestOf(other));
    });

    it("gives a ref to one writer at a time", async () => {
      const first = await store.writer("ref");
      await assert.rejects(store.writer("ref"), {
        code: "unavailable",
        message: /^ref .*ref locked for .*\(since /,
      });
      await using _elsewhere = await store.writer("elsewhere");
      await first[Symbol.asyncDispose]();
      await using again = await store.writer("ref");
      await again.write(hello);
      await again.commit();
      await using _next = await store.writer("ref");
    });

    it("resumes an ingest where its writer left it", async () => {
      {
        await using writer = await store.writer("ref");
        await writer.write(hello.subarray(0, 4));
      }
      await using writer = await store.writer("ref");
      assert.equal(writer.status().offset, 4);
      await writer.write(hello.subarray(4));
      assert.equal(await writer.commit(), digestOf(hello));
    });

    it("starts an ingest anew by truncating it to 0, and to nothing else", async () => {
      await using writer = await store.writer("ref");
      await writer.write(other);
      await writer.truncate(other.length);
      await assert.rejects(writer.truncate(3), { code: "unimplemented" });
      await writer.truncate(0);
      assert.equal(writer.status().offset, 0);
      await writer.write(hello);
      assert.equal(await writer.commit(), digestOf(hello));
    });

    it("refuses to commit an unexpected size or digest, and keeps the ingest", async () => {
      {
        await using writer = await store.writer("ref");
        await writer.write(hello);
        await assert.rejects(writer.commit({ total: 5 }), {
          code: "failed_precondition",
          message: /unexpected commit size 11, expected 5|failed size validation: 11 != 5/,
        });
      }
      {
        await using writer = await store.writer("ref", { expected: digestOf(other) });
        assert.equal(writer.status().offset, hello.length);
        await assert.rejects(writer.commit(), {
          code: "failed_precondition",
          message: new RegExp(`unexpected commit digest ${digestOf(hello)}, expected ${digestOf(other)}`),
        });
      }
      await using writer = await store.writer("ref");
      assert.equal(await writer.commit({ total: hello.length, expected: digestOf(hello) }), digestOf(hello));
    });

    it("says that a blob is there already, before and after its bytes", async () => {
      const digest = await put(store, "first", hello);
      await assert.rejects(store.writer("second", { expected: digest }), { code: "already_exists" });
      await assert.rejects(put(store, "second", hello), { code: "already_exists" });
      assert.deepEqual(await bytesOf(store, digest), hello);
      assert.deepEqual(await store.listStatuses(), []);
    });

    it("lists ingests by ref and drops one", async () => {
      for (const ref of ["a/1", "a/2", "b"]) await (await store.writer(ref))[Symbol.asyncDispose]();
      const refs = async (...filters: string[]): Promise<string[]> =>
        (await store.listStatuses(filters)).map(({ ref }) => ref).toSorted();
      assert.deepEqual(await refs(), ["a/1", "a/2", "b"]);
      assert.deepEqual(await refs("ref~=^a/"), ["a/1", "a/2"]);
      await store.abort("a/1");
      assert.deepEqual(await refs(), ["a/2", "b"]);
      await assert.rejects(store.abort("a/1"), { code: "not_found" });
      await assert.rejects(store.listStatuses(["ref=="]), { code: "invalid_argument" });
    });

    it("keeps labels, changes the named ones, and finds blobs by them", async () => {
      const digest = await put(store, "ref", hello, { a: "1", "x/y": "2" });
      await put(store, "other", other);
      assert.deepEqual((await store.info(digest)).labels, { a: "1", "x/y": "2" });
      const found = async (...filters: string[]): Promise<string[]> => {
        const infos: ContentInfo[] = await Array.fromAsync(store.walk(filters));
        return infos.map((info) => info.digest).toSorted();
      };
      assert.deepEqual(await found('labels."x/y"==2'), [digest]);
      assert.deepEqual(await found(`digest==${digest}`, "labels.a==9"), [digest]);
      assert.deepEqual(await found(), [digest, digestOf(other)].toSorted());
      const updated = await store.update(digest, { a: "3", b: "4" }, ["labels.a"]);
      assert.deepEqual(updated.labels, { a: "3", "x/y": "2" });
      await store.update(digest, { c: "5" });
      assert.deepEqual((await store.info(digest)).labels, { c: "5" });
      await assert.rejects(store.update(digest, {}, ["size"]), { code: "invalid_argument" });
      await assert.rejects(store.update(digestOf("none"), {}), { code: "not_found" });
    });

    it("deletes a blob once, and answers for those that are not there", async () => {
      const digest = await put(store, "ref", hello);
      await store.delete(digest);
      await assert.rejects(store.delete(digest), { code: "not_found" });
      await assert.rejects(store.info(digest), {
        code: "not_found",
        message: new RegExp(`^content (digest )?${digest}: not found$`),
      });
      await assert.rejects(bytesOf(store, digest), { code: "not_found" });
      assert.equal(await put(store, "ref", hello), digest);
    });
  });
}

async function put(
  store: ContentStore,
  ref: string,
  bytes: Uint8Array,
  labels?: Readonly<Record<string, string>>,
): Promise<Digest> {
  await using writer = await store.writer(ref);
  if (bytes.length > 0) await writer.write(bytes);
  return await writer.commit(labels ? { labels } : {});
}

async function bytesOf(store: ContentProvider, digest: Digest, offset = 0, length?: number): Promise<Buffer> {
  const range = length === undefined ? { offset } : { offset, length };
  return Buffer.concat(await Array.fromAsync(store.read(digest, range)));
}
