import type { Image } from "@slipway/core/images";
import type { TransferProgress } from "@slipway/core/transfer";
import type { UnpackTarget } from "@slipway/images/fetch-image";
import type { Client } from "../connect/client.ts";
import { imageStore } from "./ends.ts";

export interface LoadOptions {
  readonly unpacks: readonly UnpackTarget[];
  /** Told of the platforms, or digests, that an index names and the archive does not have. */
  readonly onLeftOut?: (platform: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Lets a slipwayd take in the images of an archive, each under the name that it has there: the daemon's verifiers are asked.
 * @throws {Fault} `permission_denied` when one of them says no
 */
export async function loadInDaemon(
  client: Client,
  bytes: AsyncIterable<Uint8Array>,
  { unpacks, onLeftOut, signal }: LoadOptions,
): Promise<Image[]> {
  const name = `import-${new Date().toISOString().slice(0, 10)}`;
  const rule = { isPrefix: true, allowOverwrite: true, addDigest: true, skipNamedDigest: true };
  const names: string[] = [];
  const onProgress = ({ event, name }: TransferProgress): void => {
    if (event === "saved" && name !== undefined) names.push(name);
    if (event === "left out" && name !== undefined) onLeftOut?.(name);
  };
  await client.transfer.transfer(
    { kind: "import stream", bytes, mediaType: "", forceCompress: false },
    imageStore("", { extraReferences: [{ name, ...rule }], unpacks }),
    { onProgress, ...(signal ? { signal } : {}) },
  );
  // The rule that gives a name to what has none gives one to the archive's own list as well, which comes first.
  const [list = "", ...images] = names;
  await client.images.delete(list);
  return await Promise.all(images.map((one) => client.images.get(one)));
}
