import { randomBytes } from "node:crypto";
import type { ContentStore, ContentWriter } from "@slipway/core/content";
import type { Image, ImageStore } from "@slipway/core/images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { decompress, detectCompression } from "@slipway/layers/decompress";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf, parseDigest } from "@slipway/oci/digest";
import type { Index, Manifest } from "@slipway/oci/image";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import { readJson } from "../read.ts";
import { childLabels } from "../child-labels.ts";
import { addLabels } from "../fetch-blob.ts";
import { storeImage } from "../store-image.ts";
import { tarEvents } from "./members.ts";

const maxJsonBytes = 8 * 1024 * 1024;

/**
 * Brings the images of an archive into the stores, of which the content should be held by a lease: an OCI layout in a tar, or what `docker save` writes, old and new, compressed
 * or not. Of platforms that an index names, only those whose content is in the archive are held. Upstream:
 * core/images/archive/importer.go.
 * @throws {Fault} `invalid_argument` when it is neither, `data_loss` when it is cut off or a blob is not what its name says
 */
export async function importImages(
  content: ContentStore,
  store: ImageStore,
  source: AsyncIterable<Uint8Array>,
): Promise<Image[]> {
  const archive = new Archive(content);
  await archive.read(decompress(source));
  const targets = await archive.targets();
  const images: Image[] = [];
  for (const { name, target } of targets) {
    await label(content, target);
    images.push(await storeImage(store, { name, target, labels: {} }));
  }
  return images;
}

interface Blob {
  readonly digest: Digest;
  readonly size: number;
  readonly isCompressed: boolean;
}

interface DockerManifest {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

class Archive {
  readonly #content: ContentStore;
  readonly #files = new Map<string, Blob>();
  readonly #links = new Map<string, string>();
  readonly #texts = new Map<string, string>();

  constructor(content: ContentStore) {
    this.#content = content;
  }

  async read(source: AsyncIterable<Uint8Array>): Promise<void> {
    let member: Member | undefined;
    for await (const event of tarEvents(source)) {
      if (event.kind === "entry") {
        const { type, name, linkName, sizeBytes } = event.entry;
        const path = clean(name);
        if (type === "symlink" || type === "link") {
          this.#links.set(path, type === "link" ? clean(linkName) : clean(join(path, linkName)));
        }
        if (type !== "file") member = undefined;
        else if (["oci-layout", "index.json", "manifest.json"].includes(path)) {
          member = new TextMember((text) => this.#texts.set(path, text));
        } else member = new BlobMember(this.#content, path, sizeBytes, (blob) => this.#files.set(path, blob));
      } else if (event.kind === "data") await member?.data(event.data);
      else await member?.end();
    }
  }

  /** What the archive has under names. */
  async targets(): Promise<{ name: string; target: Descriptor }[]> {
    const index = this.#texts.get("index.json");
    const docker = this.#texts.get("manifest.json");
    if (index !== undefined && this.#texts.has("oci-layout")) {
      const { manifests } = JSON.parse(index) as Index;
      return manifests.map((target) => ({ name: nameOf(target), target: withoutNames(target) }));
    }
    if (docker === undefined) {
      throw new Fault("invalid_argument", "Cannot import: it is neither an OCI layout nor a docker archive");
    }
    const found: { name: string; target: Descriptor }[] = [];
    for (const manifest of JSON.parse(docker) as DockerManifest[]) {
      const target = await this.#storeManifest(manifest);
      const tags = manifest.RepoTags?.map((tag) => formatReference(parseFamiliarReference(tag))) ?? [];
      for (const name of tags.length > 0 ? tags : [nameOf(target)]) found.push({ name, target });
    }
    return found;
  }

  /** Docker's archives have no manifest in the registry's sense. */
  async #storeManifest({ Config, Layers }: DockerManifest): Promise<Descriptor> {
    const config = this.#blob(Config);
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.dockerConfig, digest: config.digest, size: config.size },
      layers: Layers.map((path) => {
        const { digest, size, isCompressed } = this.#blob(path);
        return {
          mediaType: isCompressed ? mediaTypes.dockerLayerGzip : mediaTypes.dockerLayer,
          digest,
          size,
        };
      }),
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes);
    await storeBlob(this.#content, digest, bytes);
    return { mediaType: mediaTypes.dockerManifest, digest, size: bytes.length };
  }

  #blob(path: string): Blob {
    let at = clean(path);
    // Docker links layers that are alike.
    for (let depth = 0; depth < 8 && !this.#files.has(at); depth += 1) at = this.#links.get(at) ?? at;
    const blob = this.#files.get(at);
    if (!blob) throw new Fault("invalid_argument", `Cannot import: the archive has no "${path}"`);
    return blob;
  }
}

interface Member {
  data(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

class TextMember implements Member {
  readonly #done: (text: string) => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(done: (text: string) => void) {
    this.#done = done;
  }

  async data(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    if (this.#size > maxJsonBytes)
      throw new Fault("resource_exhausted", "Cannot import: an index is too large");
    this.#chunks.push(Buffer.from(bytes));
  }

  async end(): Promise<void> {
    this.#done(Buffer.concat(this.#chunks).toString());
  }
}

/** A file that becomes a blob: by its name's digest, or the one that it turns out to have. */
class BlobMember implements Member {
  readonly #content: ContentStore;
  readonly #expected: Digest | undefined;
  readonly #size: number;
  readonly #done: (blob: Blob) => void;
  #writer: ContentWriter | "existed" | undefined;
  #start = Buffer.alloc(0);

  constructor(content: ContentStore, path: string, size: number, done: (blob: Blob) => void) {
    this.#content = content;
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
    this.#expected = hex === undefined ? undefined : parseDigest(`sha256:${hex}`);
    this.#size = size;
    this.#done = done;
  }

  async data(bytes: Uint8Array): Promise<void> {
    if (this.#start.length < 4)
      this.#start = Buffer.concat([this.#start, bytes.subarray(0, 4 - this.#start.length)]);
    const writer = await this.#open();
    if (writer !== "existed") await writer.write(bytes);
  }

  async end(): Promise<void> {
    const writer = await this.#open();
    const isCompressed = detectCompression(this.#start) !== "none";
    if (writer === "existed") {
      if (this.#expected) this.#done({ digest: this.#expected, size: this.#size, isCompressed });
      return;
    }
    await using _ = writer;
    const digest = await this.#commit(writer);
    this.#done({ digest, size: this.#size, isCompressed });
  }

  async #open(): Promise<ContentWriter | "existed"> {
    if (this.#writer) return this.#writer;
    try {
      const ref = `import-${this.#expected ?? ""}-${randomBytes(8).toString("hex")}`;
      const expected = this.#expected ? { expected: this.#expected } : {};
      this.#writer = await this.#content.writer(ref, { total: this.#size, ...expected });
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      this.#writer = "existed";
    }
    return this.#writer;
  }

  async #commit(writer: ContentWriter): Promise<Digest> {
    try {
      return await writer.commit({
        total: this.#size,
        ...(this.#expected ? { expected: this.#expected } : {}),
      });
    } catch (error) {
      const known = /sha256:[0-9a-f]{64}/.exec(error instanceof Error ? error.message : "")?.[0];
      if (!hasCode(error, "already_exists") || known === undefined) throw error;
      return parseDigest(known);
    }
  }
}

async function storeBlob(content: ContentStore, digest: Digest, bytes: Uint8Array): Promise<void> {
  try {
    await using writer = await content.writer(`import-${digest}`, {
      total: bytes.length,
      expected: digest,
    });
    await writer.write(bytes);
    await writer.commit({ total: bytes.length, expected: digest });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
  }
}

/** Lets the collector find what a target leads to, as far as it is there. */
async function label(content: ContentStore, target: Descriptor): Promise<void> {
  if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) return;
  if (isManifest(target.mediaType)) {
    const { config, layers } = await readJson<Manifest>(content, target.digest);
    await addLabels(content, target.digest, () => childLabels([config, ...layers]));
    return;
  }
  const { manifests } = await readJson<Index>(content, target.digest);
  await addLabels(content, target.digest, () => childLabels(manifests));
  for (const one of manifests) {
    try {
      await label(content, one);
    } catch (error) {
      // Another platform that the archive does not have.
      if (!hasCode(error, "not_found")) throw error;
    }
  }
}

function nameOf({ annotations = {}, digest }: Descriptor): string {
  const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
  const base = `import-${new Date().toISOString().slice(0, 10)}`;
  if (name === undefined) return `${base}@${digest}`;
  // A layout's reference may be a tag alone: ctr's name for such an image.
  if (/^[\w.-]+$/.test(name)) return `${base}:${name}`;
  try {
    return formatReference(parseFamiliarReference(name));
  } catch {
    return name;
  }
}

/** Annotations of an archive's index are about the archive. */
function withoutNames({ mediaType, digest, size, platform }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(platform ? { platform } : {}) };
}

function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Where a link of the archive points to. */
function join(from: string, to: string): string {
  return `${from.split("/").slice(0, -1).join("/")}/${to}`;
}
