import type { Image } from "@slipway/core/images";
import type { RegistryEnd, TransferProgress } from "@slipway/core/transfer";
import { codeOf, Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { discardedBlobsLabel } from "@slipway/images/discarded-layers";
import { canonicalName } from "@slipway/oci/reference";
import { dockerCredentials } from "@slipway/registry/docker-config";
import type { Client } from "../connect/client.ts";
import type { PullOptions, PullProgress } from "../images/pull.ts";
import { hostsDirectories } from "../images/registry-options.ts";
import { wantedPlatforms } from "../images/wanted-platforms.ts";
import { imageStore, registry } from "./ends.ts";

/** Lets a slipwayd pull by itself, with this user's logins: no bytes come through this process. */
export async function pullInDaemon(
  client: Client,
  reference: string,
  options: PullOptions = {},
): Promise<Image> {
  const name = canonicalName(reference);
  const { plainHttp, discardBlobs = false } = options;
  const labels = { ...options.labels, ...(discardBlobs ? discardedBlobsLabel : {}) };
  const { onProgress, onWarning, signal, downloadBytesPerSecond } = options;
  const source = options.credentials ?? dockerCredentials();
  let { origin } = source;
  const from: Partial<RegistryEnd> = {
    hostsDirectory: (options.hostsDirectories ?? hostsDirectories).join(":"),
    credentials: async (host) => {
      const found = await source.find(host);
      if (found) ({ origin } = found);
      return found;
    },
    ...(plainHttp === undefined ? {} : { defaultScheme: plainHttp ? "http" : "https" }),
  };
  const to = { labels, ...wantedPlatforms(options) };
  const told = (event: TransferProgress): void => {
    const warning = /^Warning from [^:]+(?::\d+)?: (.*)$/s.exec(event.event)?.[1];
    if (warning !== undefined) onWarning?.(warning);
    const progress = toProgress(event);
    if (progress) onProgress?.(progress);
  };
  try {
    const limit = downloadBytesPerSecond === undefined ? {} : { downloadBytesPerSecond };
    const options = { onProgress: told, ...limit, ...(signal ? { signal } : {}) };
    await client.transfer.transfer(registry(name, from), imageStore(name, to), options);
  } catch (error) {
    signal?.throwIfAborted();
    if (!hasCode(error, "unauthenticated", "permission_denied")) throw error;
    // The daemon cannot know where we found the login.
    const message = messageOf(error).replaceAll("the client's login", origin);
    throw new Fault(codeOf(error), message, { cause: error });
  }
  return await client.images.get(name);
}

const states: Readonly<Record<string, PullProgress["state"]>> = {
  waiting: "waiting",
  downloading: "fetching",
  complete: "fetched",
  "already exists": "fetched",
  extracting: "unpacking",
  extracted: "unpacked",
};

function toProgress({ event, target, progress = 0 }: TransferProgress): PullProgress | undefined {
  const state = states[event];
  return state && target ? { target, state, offset: progress } : undefined;
}
