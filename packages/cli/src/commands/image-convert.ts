import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import { findImage } from "@slipway/client/find-images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { discardedBlobsLabel } from "@slipway/images/discarded-layers";
import { readImage } from "@slipway/images/image-config";
import { restoreLayers } from "@slipway/images/restore-layers";
import type { Descriptor } from "@slipway/oci/descriptor";
import { convertImage } from "@slipway/images/convert-image";
import { storeImage } from "@slipway/images/store-image";
import { hostPlatform, type Platform } from "@slipway/oci/platform";
import { newImageName } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { readPlatform } from "../images/platforms.ts";
import { requirePlatforms } from "../images/require-platform.ts";

interface ConvertFlags {
  readonly oci?: boolean;
  readonly gzip?: boolean;
  readonly zstd?: boolean;
  readonly uncompress?: boolean;
  readonly platform?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<source>", "an image's name or id")
    .argument("<target>", "the name of what it becomes")
    .option("--oci", "media types of the OCI instead of Docker's")
    .option("--gzip", "compress layers with gzip")
    .option("--zstd", "compress layers with Zstandard")
    .option("--uncompress", "do not compress layers")
    .option("--platform <os/architecture>", "only this one of its platforms")
    .option("--all-platforms", "accepted for nerdctl's sake: all that are here are converted")
    .action(async (source: string, target: string, flags: ConvertFlags) => {
      const wanted = [flags.gzip && "gzip", flags.zstd && "zstd", flags.uncompress && "none"] as const;
      const [compression, other] = wanted.filter((one) => one !== undefined && one !== false);
      if (other !== undefined) {
        throw new Fault(
          "invalid_argument",
          "Cannot convert: --gzip, --zstd and --uncompress exclude each other",
        );
      }
      const name = newImageName(target);
      const client = await cli.client();
      const image = await findImage(client, source);
      await requirePlatforms(
        client.content,
        image,
        flags.platform ? [readPlatform(flags.platform)] : undefined,
      );
      await using held = await leased(client);
      const whole = await withBlobs(held.client, cli.globals.snapshotter, image.target, flags);
      const made = await convertImage(held.client.content, whole, {
        oci: flags.oci ?? false,
        ...(compression === undefined ? {} : { compression }),
        ...(!flags.platform ? {} : { platform: readPlatform(flags.platform) }),
      });
      const { [discardedKey]: _, ...labels } = image.labels;
      await storeImage(client.images, { name, target: made, labels });
      process.stdout.write(`${made.digest}\n`);
    });
}

const [discardedKey = ""] = Object.keys(discardedBlobsLabel);

/** The manifest itself of an image whose layers' blobs were let go, with blobs that are made of its layers. */
async function withBlobs(
  client: Client,
  snapshotter: string,
  target: Descriptor,
  { platform }: ConvertFlags,
): Promise<Descriptor> {
  const wanted = !platform ? hostPlatform() : readPlatform(platform);
  const manifest = await manifestOrNothing(client, target, wanted);
  if (!manifest) return target;
  const { content, differ } = client;
  const source = { content, differ, snapshots: client.snapshotter(snapshotter) };
  const made = await restoreLayers(source, manifest);
  return made === manifest ? target : made;
}

async function manifestOrNothing(
  client: Client,
  target: Descriptor,
  wanted: Platform,
): Promise<Descriptor | undefined> {
  try {
    return (await readImage(client.content, target, wanted)).target;
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
