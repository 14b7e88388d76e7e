import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Index, Manifest } from "@slipway/oci/image";
import { isIndex, isManifest } from "@slipway/oci/media-types";
import type { Platform } from "@slipway/oci/platform";
import { parseFamiliarReference } from "@slipway/oci/reference";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { registryOptions } from "./registry-options.ts";
import type { Client } from "../connect/client.ts";
import { readBlob, readJson } from "../content/content.ts";
import { findManifest } from "./image-config.ts";

export interface PushOptions extends RegistryOptions {
  /** http or https with the registry; see defaultScheme. */
  readonly plainHttp?: boolean;
  /** Only the manifest of this platform; everything that the target leads to unless told. */
  readonly platform?: Platform;
  readonly onBlob?: (blob: Descriptor, result: "pushed" | "existed" | "mounted") => void;
  readonly signal?: AbortSignal;
}

const concurrentBlobs = 4;

/**
 * Sends an image to the registry that its name tells: blobs first, then what points to them, the tag last.
 * @returns what the tag points to
 * @throws {Fault} `not_found` when content is missing, such as other platforms of an index: name one then
 */
export async function push(
  client: Client,
  reference: string,
  target: Descriptor,
  options: PushOptions = {},
): Promise<Descriptor> {
  const parsed = parseFamiliarReference(reference);
  const repository = new Repository(parsed, registryOptions(options));
  const { platform, signal } = options;
  const top = platform === undefined ? target : await findManifest(client.content, target, platform);
  await pushTree(client, repository, top, parsed.tag ?? top.digest, options);
  signal?.throwIfAborted();
  return top;
}

async function pushTree(
  client: Client,
  repository: Repository,
  target: Descriptor,
  tagOrDigest: string,
  options: PushOptions,
): Promise<void> {
  const { content } = client;
  if (isIndex(target.mediaType)) {
    const { manifests } = await read<Index>(client, target);
    for (const child of manifests) await pushTree(client, repository, child, child.digest, options);
  } else if (isManifest(target.mediaType)) {
    const { config, layers } = await read<Manifest>(client, target);
    const waiting = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
    const work = async (): Promise<void> => {
      for (let blob = waiting.shift(); blob; blob = waiting.shift()) {
        const { digest } = blob;
        const result = await repository.pushBlob(
          blob,
          (offset, length) => content.read(digest, { offset, length }),
          options.signal ? { signal: options.signal } : {},
        );
        options.onBlob?.(blob, result);
      }
    };
    await Promise.all(Array.from({ length: concurrentBlobs }, work));
  }
  await repository.pushManifest(target, await readBlob(content, target.digest), tagOrDigest, options.signal);
}

async function read<T>(client: Client, target: Descriptor): Promise<T> {
  try {
    return await readJson<T>(client.content, target.digest);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    throw new Fault("not_found", `content digest ${target.digest}: not found; was another platform pulled?`, {
      cause: error,
    });
  }
}
