import { createHash } from "node:crypto";
import type { ContentStore, ContentWriter } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import { decompress } from "@slipway/layers/decompress";
import type { TarEntry } from "@slipway/layers/tar/entry";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestFromHash, parseDigest } from "@slipway/oci/digest";
import { maxArchiveJsonBytes, parseDockerArchive, parseLayoutVersion } from "@slipway/oci/documents/archive";
import { mediaTypes } from "@slipway/oci/media-types";
import { posix } from "node:path";
import { importDockerImages } from "./import-docker.ts";
import { tarEvents } from "./members.ts";

export interface ImportOptions {
  /** Compress the layers of archives that come without a manifest. */
  readonly compress?: boolean;
  readonly signal?: AbortSignal;
}

/** A file of an archive that is in the content store now. */
export type Blob = Pick<Descriptor, "digest" | "size">;

/**
 * Takes the blobs of an archive into the content store: an OCI layout, or what `docker save` makes, compressed or not.
 * @returns the index of what is in it
 * @throws {Fault} `invalid_argument` when it is neither
 */
export async function importArchive(
  content: ContentStore,
  archive: AsyncIterable<Uint8Array>,
  { compress = false, signal }: ImportOptions = {},
): Promise<Descriptor> {
  const files = new ArchiveFiles(content);
  let isEmpty = true;
  try {
    for await (const event of tarEvents(decompress(archive))) {
      signal?.throwIfAborted();
      isEmpty = false;
      if (event.kind === "entry") await files.begin(event.entry);
      else if (event.kind === "data") await files.data(event.data);
      else await files.end();
    }
  } catch (error) {
    if (!isEmpty || !hasCode(error, "invalid_argument", "data_loss")) throw error;
    throw new Fault("invalid_argument", "unrecognized image format: it is no tar archive", { cause: error });
  } finally {
    await files.close();
  }
  const version = files.read("oci-layout", parseLayoutVersion);
  if (version !== undefined) {
    if (version !== "1.0.0") throw new Fault("invalid_argument", `unsupported OCI version ${version}`);
    const index = files.blobs.get("index.json");
    if (!index) throw new Fault("invalid_argument", "missing index.json in OCI layout 1.0.0");
    return { mediaType: mediaTypes.ociIndex, ...index };
  }
  const images = files.read("manifest.json", parseDockerArchive);
  if (!images)
    throw new Fault("invalid_argument", `unrecognized image format: ${files.whyNoImages(isEmpty)}`);
  return await importDockerImages(content, images, files.resolved(), compress);
}

/** Stores the files of an archive as they come. */
class ArchiveFiles {
  readonly blobs = new Map<string, Blob>();
  readonly #symlinks = new Map<string, string>();
  readonly #documents = new Map<string, Uint8Array>();
  readonly #content: ContentStore;
  #file: Incoming | undefined;

  constructor(content: ContentStore) {
    this.#content = content;
  }

  async begin({ type, name, linkName, sizeBytes }: TarEntry): Promise<void> {
    const path = posix.normalize(name).replace(/^\//, "");
    if (type === "symlink") this.#symlinks.set(path, posix.join(posix.dirname(path), linkName));
    if (type === "file") this.#file = await Incoming.open(this.#content, path, sizeBytes);
  }

  async data(bytes: Uint8Array): Promise<void> {
    await this.#file?.write(bytes);
  }

  async end(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const { blob, document } = await file.commit();
    this.blobs.set(file.path, blob);
    if (document) this.#documents.set(file.path, document);
  }

  /** A file at the top; undefined if there is none. */
  read<T>(name: string, parse: (bytes: Uint8Array) => T): T | undefined {
    const bytes = this.#documents.get(name);
    return bytes && parse(bytes);
  }

  /** The blobs, also by the names of symlinks: old Dockers link equal layers. */
  resolved(): ReadonlyMap<string, Blob> {
    const all = new Map(this.blobs);
    for (const [name, target] of this.#symlinks) {
      const blob = this.blobs.get(target);
      if (!blob)
        throw new Fault("invalid_argument", `no target for symlink layer from "${name}" to "${target}"`);
      all.set(name, blob);
    }
    return all;
  }

  /** Why an archive has no images, as far as its files tell. */
  whyNoImages(isEmpty: boolean): string {
    if (isEmpty) return "there is nothing in it";
    // https://github.com/moby/docker-image-spec/blob/v1.2.0/v1.0.md, which Docker before 1.10 wrote.
    if (this.blobs.has("repositories"))
      return "it was saved by Docker before 1.10, whose images have no manifest";
    return `it has neither "oci-layout" nor "manifest.json"`;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

/** One file on its way into the store. */
class Incoming {
  readonly path: string;
  readonly #size: number;
  readonly #writer: ContentWriter | undefined;
  readonly #hash = createHash("sha256");
  readonly #document: Uint8Array[] | undefined;

  private constructor(path: string, size: number, writer: ContentWriter | undefined) {
    this.path = path;
    this.#size = size;
    this.#writer = writer;
    const isJson = path === "oci-layout" || path === "manifest.json";
    if (isJson && size > maxArchiveJsonBytes) throw new Fault("resource_exhausted", `"${path}" is too large`);
    this.#document = isJson ? [] : undefined;
  }

  static async open(content: ContentStore, path: string, size: number): Promise<Incoming> {
    const hex = /^blobs\/sha256\/([a-f0-9]{64})$/.exec(path)?.[1];
    const expected = hex === undefined ? {} : { expected: parseDigest(`sha256:${hex}`) };
    try {
      const writer = await content.writer(`tar-${path}`, { total: size, ...expected });
      await writer.truncate(0);
      return new Incoming(path, size, writer);
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      return new Incoming(path, size, undefined);
    }
  }

  async write(data: Uint8Array): Promise<void> {
    this.#hash.update(data);
    this.#document?.push(Buffer.from(data));
    await this.#writer?.write(data);
  }

  async commit(): Promise<{ blob: Blob; document: Uint8Array | undefined }> {
    const digest: Digest = digestFromHash(this.#hash);
    try {
      await this.#writer?.commit({ total: this.#size, expected: digest });
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
    } finally {
      await this.close();
    }
    const document = this.#document && Buffer.concat(this.#document);
    return { blob: { digest, size: this.#size }, document };
  }

  async close(): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
  }
}
