import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "@slipway/oci/digest";
import { makeTar } from "../testing/archive.ts";
import { type BlobThread, FileThreads } from "./file-threads.ts";

let root: string;
let threads: FileThreads;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-ingest-"));
  threads = new FileThreads();
});
afterEach(async () => {
  await threads[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

// Several times what fits into the ring between the threads, and not to be compressed.
const noise = Buffer.concat(Array.from({ length: 80 }, () => crypto.getRandomValues(Buffer.alloc(65_536))));
const tar = makeTar([
  { type: "directory", name: "dir" },
  { type: "file", name: "dir/noise", data: noise },
]);
const blob = gzipSync(tar);

async function ingest(pieceBytes: number, start = 0): ReturnType<FileThreads["verifyImage"]> {
  const path = join(root, "data");
  writeFileSync(path, blob.subarray(0, start));
  const image = join(root, "image");
  const thread = threads.ingest({ path, offset: start, algorithm: "sha256", image });
  assert.ok(thread);
  for (let at = start; at < blob.length; at += pieceBytes)
    await thread.write(blob.subarray(at, at + pieceBytes));
  const ingested = await thread.end();
  assert.equal(ingested.digest, digestOf(blob));
  assert.equal(ingested.sizeBytes, blob.length);
  assert.equal((await ingested.image)?.guessesDirectories, false);
  assert.ok(readFileSync(path).equals(blob));
  return await threads.verifyImage(image);
}

describe("ingest", () => {
  for (const [pieceBytes, start] of [
    [10_007, 0],
    [3_000_000, 0],
    [blob.length, 0],
    [65_536, 1_000_003],
  ] as const) {
    it(`stores a blob in pieces of ${pieceBytes} bytes after ${start}, and makes an image of the layer`, async () => {
      assert.equal((await ingest(pieceBytes, start)).diffId, digestOf(tar));
    });
  }

  it("stores many blobs at once, though bytes come for one of them only", async () => {
    const begin = (name: string): { path: string; thread: BlobThread } => {
      const path = join(root, name);
      writeFileSync(path, "");
      const thread = threads.ingest({ path, offset: 0, algorithm: "sha256", image: `${path}-image` });
      assert.ok(thread);
      return { path, thread };
    };
    const warnings: Error[] = [];
    const note = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", note);
    // More than Node expects to listen to one thread.
    const open = Array.from({ length: 12 }, (_, index) => begin(`data-${index}`));
    // Each has begun, and waits.
    for (const { thread } of open) await thread.write(blob.subarray(0, 100_000));
    for (const { path, thread } of open) {
      for (let at = 100_000; at < blob.length; at += 65_536)
        await thread.write(blob.subarray(at, Math.min(at + 65_536, blob.length)));
      const { digest, image } = await thread.end();
      assert.equal(digest, digestOf(blob));
      assert.equal((await image)?.diffId, digestOf(tar));
      assert.ok(readFileSync(path).equals(blob));
      assert.equal((await threads.verifyImage(`${path}-image`)).diffId, digestOf(tar));
    }
    process.off("warning", note);
    assert.deepEqual(warnings, []);
  });

  it("stores what is no layer, though it is more than waits between the threads, and makes nothing of it", async () => {
    const compressed = gzipSync(noise);
    const path = join(root, "data");
    writeFileSync(path, "");
    const thread = threads.ingest({ path, offset: 0, algorithm: "sha256", image: join(root, "image") });
    assert.ok(thread);
    await thread.write(compressed);
    const { digest, image } = await thread.end();
    assert.equal(digest, digestOf(compressed));
    assert.equal(await image, undefined);
    assert.deepEqual(readdirSync(root), ["data"]);
  });

  it("has threads ready for layers that are expected", async () => {
    await threads.expectLayers();
    await threads.expectLayers();
    assert.equal((await ingest(65_536)).diffId, digestOf(tar));
  });

  it("leaves threads for those who do not store blobs", async () => {
    const path = join(root, "data");
    writeFileSync(path, "");
    const options = { path, offset: 0, algorithm: "sha256" };
    const open = [];
    for (let thread = threads.ingest(options); thread; thread = threads.ingest(options)) open.push(thread);
    assert.ok(open.length > 0);
    assert.equal((await threads.usage(root)).inodes, 2);
    for (const thread of open) await thread.end();
    await threads.ingest(options)?.end();
  });

  it("ends when the threads do, though its bytes are not all there", async () => {
    const path = join(root, "data");
    writeFileSync(path, "");
    const thread = threads.ingest({ path, offset: 0, algorithm: "sha256" });
    await thread?.write(noise.subarray(0, 1000));
    await threads[Symbol.asyncDispose]();
    await assert.rejects(async () => await thread?.end(), {
      code: "internal",
      message: /the thread has ended/,
    });
  });

  it("tells the writer what went wrong, also while it writes", async () => {
    const thread = threads.ingest({ path: join(root, "gone"), offset: 0, algorithm: "sha256" });
    assert.ok(thread);
    const missing = { message: /ENOENT/ };
    await assert.rejects(async () => {
      for (let written = 0; written < 10; written += 1) await thread.write(noise);
    }, missing);
    await assert.rejects(thread.end(), missing);
  });
});
