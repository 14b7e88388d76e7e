import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { CompareOptions } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import { FileThreads } from "@slipway/layers/threads";
import { encodeHeader, endOfArchive } from "@slipway/layers/tar/encoder";
import { readMountInfo } from "@slipway/linux/mountinfo";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { LocalContentStore } from "../content-local/store.ts";
import { LayersAhead } from "../layers-ahead/layers-ahead.ts";
import { applyBlob, type DifferParts } from "./apply.ts";
import { compareMounts } from "./compare.ts";

let root: string;
let content: LocalContentStore;
let parts: DifferParts;
let threads: FileThreads;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-diff-"));
  for (const name of ["content", "state", "lower", "upper", "work"]) fs.mkdirSync(join(root, name));
  content = new LocalContentStore(join(root, "content"));
  threads = new FileThreads();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  parts = { threads, ahead: new LayersAhead(threads), log, stateDir: join(root, "state") };
});
afterEach(async () => {
  await threads[Symbol.asyncDispose]();
  assert.deepEqual(fs.readdirSync(join(root, "state")), [], "nothing is left of the mounts");
  assert.equal(
    readMountInfo().some(({ mountPoint }) => mountPoint.startsWith(root)),
    false,
  );
  fs.rmSync(root, { recursive: true });
});

const tar = Buffer.concat([
  encodeHeader({ type: "file", name: "file", mode: 0o644 }),
  encodeHeader({ type: "file", name: ".wh.gone" }),
  endOfArchive,
]);
const bind = (name: string, access = "rw"): Mount[] => [
  { type: "bind", source: join(root, name), options: [access, "rbind"] },
];
const overlay = (): Mount[] => {
  const options = ["work", "upper", "lower"].map((name) => `${name}dir=${join(root, name)}`);
  return [{ type: "overlay", source: "overlay", options }];
};
const put = async (blob: Uint8Array, mediaType: string): Promise<Descriptor> => {
  await using writer = await content.writer(digestOf(blob));
  await writer.write(blob);
  return { mediaType, digest: await writer.commit(), size: blob.length };
};
const read = async (digest: Digest): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(content.read(digest)));

describe("apply", () => {
  const applied = { mediaType: mediaTypes.ociLayer, digest: digestOf(tar), size: tar.length };

  for (const [compression, blob, mediaType] of [
    ["plain", tar, mediaTypes.ociLayer],
    ["gzip", gzipSync(tar), mediaTypes.ociLayerGzip],
    ["gzip of Docker's plain type", gzipSync(tar), mediaTypes.dockerLayer],
    ["zstd", zstdCompressSync(tar), mediaTypes.ociLayerZstd],
  ] as const) {
    it(`unpacks ${compression} and tells the diffID`, async () => {
      fs.writeFileSync(join(root, "lower/gone"), "");
      const layer = await put(blob, mediaType);
      assert.deepEqual(await applyBlob(content, layer, bind("lower"), { syncFs: true }, parts), applied);
      assert.deepEqual(fs.readdirSync(join(root, "lower")), ["file"]);
    });
  }

  it("writes into the upper directory of an overlay, with the kernel's whiteouts", async () => {
    const layer = await put(tar, mediaTypes.ociLayer);
    await applyBlob(content, layer, overlay(), {}, parts);
    assert.ok(fs.lstatSync(join(root, "upper/gone")).isCharacterDevice());
  });

  it("says what is wrong with a blob", async () => {
    const gzip = gzipSync(tar);
    const broken: [Uint8Array, string, RegExp, string][] = [
      [tar.subarray(0, 700), mediaTypes.ociLayer, /unexpected end of the archive/, "data_loss"],
      [
        gzip.subarray(0, gzip.length - 4),
        mediaTypes.ociLayerGzip,
        /Cannot decompress gzip: unexpected end/,
        "data_loss",
      ],
      [zstdCompressSync(tar).subarray(0, 30), mediaTypes.ociLayerZstd, /Cannot decompress zstd/, "data_loss"],
      [Buffer.alloc(1024, "not a tar"), mediaTypes.ociLayer, /Cannot read tar header/, "invalid_argument"],
      [
        tar,
        `${mediaTypes.ociLayer}+encrypted`,
        /failed to get stream processor for .*: no processor for media-type/,
        "unknown",
      ],
      [tar, "application/x", /no processor for media-type/, "unknown"],
    ];
    for (const [blob, mediaType, message, code] of broken) {
      const layer = await put(blob, mediaType).catch(() => ({
        mediaType,
        digest: digestOf(blob),
        size: blob.length,
      }));
      await assert.rejects(applyBlob(content, layer, bind("lower"), {}, parts), { code, message });
    }
    const missing = { mediaType: mediaTypes.ociLayer, digest: digestOf("none"), size: 1 };
    await assert.rejects(applyBlob(content, missing, bind("lower"), {}, parts), { code: "not_found" });
    await assert.rejects(applyBlob(content, missing, bind("nowhere"), {}, parts), { message: /ENOENT/ });
  });
});

describe("compare", () => {
  const compare = (options: CompareOptions = {}): Promise<Descriptor> =>
    compareMounts(content, bind("lower", "ro"), bind("upper"), options, parts);

  it("stores a layer in the compression that is asked for, labelled with its diffID", async () => {
    fs.writeFileSync(join(root, "upper/file"), "hello");
    const gzip = await compare();
    const zstd = await compare({ mediaType: mediaTypes.ociLayerZstd, labels: { a: "b" }, reference: "ref" });
    const plain = await compare({ mediaType: mediaTypes.ociLayer });
    assert.equal(gzip.mediaType, mediaTypes.ociLayerGzip);
    assert.deepEqual(gunzipSync(await read(gzip.digest)), await read(plain.digest));
    assert.deepEqual(zstdDecompressSync(await read(zstd.digest)), await read(plain.digest));
    assert.equal(plain.size, (await read(plain.digest)).length);
  });

  it("gives the same blob again, and leaves no ingest", async () => {
    fs.writeFileSync(join(root, "upper/file"), "hello");
    const mediaType = mediaTypes.ociLayer;
    assert.deepEqual(await compare({ mediaType }), await compare({ mediaType }));
    assert.deepEqual(await content.listStatuses(), []);
  });

  it("refuses other media types, and leaves no ingest of what fails", async () => {
    await assert.rejects(compare({ mediaType: "application/x" }), {
      code: "unimplemented",
      message: "unsupported diff media type: application/x: not implemented",
    });
    fs.writeFileSync(join(root, "upper/file"), "hello");
    await assert.rejects(compare({ signal: AbortSignal.abort() }), { code: "canceled" });
    assert.deepEqual(await content.listStatuses(), []);
  });
});
