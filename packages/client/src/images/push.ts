import { findManifest } from "@slipway/images/image-config";
import { pushImage, type PushProgress } from "@slipway/images/push-image";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Platform } from "@slipway/oci/platform";
import { parseFamiliarReference } from "@slipway/oci/reference";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { abortable } from "../connect/abortable.ts";
import type { Client } from "../connect/client.ts";
import { registryOptions } from "./registry-options.ts";

export interface PushOptions extends RegistryOptions {
  /** http or https with the registry; see defaultScheme. */
  readonly plainHttp?: boolean;
  /** Only the manifest of this platform; everything that the target leads to unless told. */
  readonly platform?: Platform;
  readonly onBlob?: (blob: Descriptor, result: "pushed" | "existed" | "mounted") => void;
  /** Aborted: the call rejects with the signal's reason. The registry drops what it has of an unfinished upload. */
  readonly signal?: AbortSignal;
}

const concurrentLayers = 4;

/**
 * Sends an image to the registry that its name tells.
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
  const { host, repository: path, tag } = parsed;
  const { platform, onBlob, signal } = options;
  signal?.throwIfAborted();
  const top = platform === undefined ? target : await findManifest(client.content, target, platform);
  const repository = new Repository(parsed, registryOptions(options));
  const sends = {
    concurrentLayers,
    onProgress: ({ target, state, parents }: PushProgress) => {
      const isBlob = parents.length > 0 && state !== "waiting" && state !== "pushing";
      if (isBlob && target.digest !== top.digest) onBlob?.(target, state);
    },
    ...(signal ? { signal } : {}),
  };
  const to = { repository, host, path };
  await abortable(signal, () => pushImage(client.content, to, top, tag ?? top.digest, sends));
  return top;
}
