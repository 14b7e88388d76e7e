import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf, hexOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { hostPlatform } from "@slipway/oci/platform";
import { TestFolder } from "../../test/support/folder.ts";
import { output } from "../../test/support/run.ts";

/** How large an image is. */
export interface ImageShape {
  readonly files: number;
  readonly bytes: number;
  readonly layers: number;
}

/** What an image's layers are compressed with. */
export type LayerCompression = "gzip" | "zstd";

const slow = { timeoutMs: 600_000 };

/**
 * Pushes an image of this machine's files to `HOST/NAME-COMPRESSION:latest`, with the same layers for each compression.
 * Files are spread over all there are from number `first` on; large ones make up for the bytes.
 */
export async function pushSampleImage(
  host: string,
  name: string,
  shape: ImageShape,
  compressions: readonly LayerCompression[],
  first = 0,
): Promise<void> {
  using folder = new TestFolder("bench-image");
  const { names, bytes } = await chooseFiles(shape.files, first);
  const share = Math.ceil(names.length / shape.layers);
  const extraBytes = Math.max(0, Math.floor((shape.bytes - bytes) / shape.layers));
  const layouts = compressions.map((each) => new Layout(folder.join(each), each));
  for (let layer = 0; layer < shape.layers; layer += 1) {
    const chosen = names.slice(layer * share, (layer + 1) * share);
    const tar = await makeTar(folder, layer, chosen, largeFile(layer, shape.layers, extraBytes));
    for (const layout of layouts) layout.addLayer(tar);
  }
  for (const layout of layouts) {
    layout.finish();
    const target = `docker://${host}/${name}-${layout.compression}:latest`;
    const copy = ["copy", "-q", "--insecure-policy", "--dest-tls-verify=false", `oci:${layout.path}`, target];
    await output("skopeo", copy, slow);
  }
}

/** An OCI layout with one image, which becomes more layer by layer. */
class Layout {
  readonly path: string;
  readonly compression: LayerCompression;
  readonly #layers: Descriptor[] = [];
  readonly #diffIds: Digest[] = [];

  constructor(path: string, compression: LayerCompression) {
    this.path = path;
    this.compression = compression;
    mkdirSync(join(path, "blobs/sha256"), { recursive: true });
  }

  addLayer(tar: Uint8Array): void {
    const isGzip = this.compression === "gzip";
    const mediaType = isGzip ? mediaTypes.ociLayerGzip : mediaTypes.ociLayerZstd;
    this.#layers.push(this.#add(mediaType, isGzip ? gzipSync(tar) : zstdCompressSync(tar)));
    this.#diffIds.push(digestOf(tar));
  }

  finish(): void {
    const { os, architecture } = hostPlatform();
    const rootfs = { type: "layers", diff_ids: this.#diffIds };
    const config = this.#addJson(mediaTypes.ociConfig, { os, architecture, rootfs });
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: this.#layers };
    const manifests = [this.#addJson(mediaTypes.ociManifest, manifest)];
    writeFileSync(join(this.path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    writeFileSync(join(this.path, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  }

  #addJson(mediaType: string, value: object): Descriptor {
    return this.#add(mediaType, Buffer.from(JSON.stringify(value)));
  }

  #add(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = digestOf(bytes);
    writeFileSync(join(this.path, "blobs/sha256", hexOf(digest)), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

async function chooseFiles(
  count: number,
  first: number,
): Promise<{ readonly names: string[]; readonly bytes: number }> {
  const listing = `find /usr /etc /var/lib/dpkg -xdev -type f -size -200k -printf '%s %p\\n' 2>/dev/null | sort -k2`;
  const all = (await output("bash", ["-c", listing])).split("\n").filter(Boolean);
  const step = Math.max(1, Math.floor((all.length - first) / count));
  const names: string[] = [];
  let bytes = 0;
  for (let index = first; index < all.length && names.length < count; index += step) {
    const [, size, name = ""] = /^(\d+) (.*)$/.exec(all[index] ?? "") ?? [];
    names.push(name);
    bytes += Number(size);
  }
  return { names, bytes };
}

/** A piece of a program for each layer, as often as it takes. */
function largeFile(layer: number, layers: number, bytes: number): Buffer {
  const program = readFileSync(process.execPath);
  const start = Math.floor((layer * program.length) / layers);
  const round = Buffer.concat([program.subarray(start), program.subarray(0, start)]);
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / round.length) }, () => round)).subarray(
    0,
    bytes,
  );
}

function withParents(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.indexOf("/", 1); at !== -1; at = path.indexOf("/", at + 1))
    parents.push(path.slice(0, at));
  return [...parents, path];
}

async function makeTar(
  folder: TestFolder,
  layer: number,
  names: readonly string[],
  large: Buffer,
): Promise<Buffer> {
  const tar = folder.join(`${layer}.tar`);
  const list = folder.join(`${layer}.list`);
  const extra = folder.join(`${layer}.extra`);
  mkdirSync(join(extra, "opt"), { recursive: true });
  // With the directories on the way, as builders write them.
  writeFileSync(list, [...new Set(names.flatMap(withParents))].join("\n"));
  writeFileSync(join(extra, `opt/large-${layer}`), large);
  const members = ["-C", "/", "-T", list, "-C", extra, "opt", `opt/large-${layer}`];
  await output("tar", ["--no-recursion", "-cf", tar, ...members], slow);
  const bytes = readFileSync(tar);
  rmSync(extra, { recursive: true });
  rmSync(tar);
  return bytes;
}
