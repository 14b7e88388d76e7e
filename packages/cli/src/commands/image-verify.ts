import { createHash } from "node:crypto";
import type { Command } from "commander";
import type { ContentProvider } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestFromHash } from "@slipway/oci/digest";
import type { Index, Manifest } from "@slipway/oci/image";
import { isIndex, isManifest } from "@slipway/oci/media-types";
import type { Cli } from "../cli.ts";
import { findImages } from "../images/find.ts";

export function configure(command: Command, cli: Cli): void {
  command.argument("[image...]", "names or ids; all unless told").action(async (names: readonly string[]) => {
    const client = await cli.client();
    const images =
      names.length === 0
        ? await client.images.list()
        : (await Promise.all(names.map((name) => findImages(client, name)))).flat();
    // Images share blobs: each is read once.
    const known = new Map<string, boolean>();
    let hurt = 0;
    for (const { name, target } of images) {
      const bad = await badBlobs(client.content, target, known);
      process.stdout.write(`${name}: ${bad.length === 0 ? "ok" : "damaged"}\n`);
      for (const { digest } of bad) process.stdout.write(`  ${digest}\n`);
      if (bad.length > 0) hurt += 1;
    }
    if (hurt > 0) throw new Fault("data_loss", `${hurt} of ${images.length} images are damaged`);
  });
}

/** Of all that a target leads to: blobs that are here and are not what their names say. */
async function badBlobs(
  content: ContentProvider,
  target: Descriptor,
  known: Map<string, boolean>,
): Promise<Descriptor[]> {
  const { digest } = target;
  const isGood = known.get(digest) ?? (await holds(content, target));
  if (isGood === undefined) return [];
  known.set(digest, isGood);
  if (!isGood) return [target];
  const json = async <T>(): Promise<T> => {
    const chunks = await Array.fromAsync(content.read(digest));
    return JSON.parse(Buffer.concat(chunks).toString()) as T;
  };
  let children: readonly Descriptor[] = [];
  if (isIndex(target.mediaType)) children = (await json<Index>()).manifests;
  else if (isManifest(target.mediaType)) {
    const { config, layers } = await json<Manifest>();
    children = [config, ...layers];
  }
  const bad: Descriptor[] = [];
  for (const child of children) bad.push(...(await badBlobs(content, child, known)));
  return bad;
}

/** Nothing when the blob is not here: other platforms, or layers whose blobs are not kept. */
async function holds(content: ContentProvider, { digest }: Descriptor): Promise<boolean | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of content.read(digest)) hash.update(chunk);
    return digestFromHash(hash) === digest;
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    if (hasCode(error, "data_loss")) return false;
    throw error;
  }
}
