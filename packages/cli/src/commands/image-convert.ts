import type { Command } from "commander";
import { leased } from "@slipway/client/leased";
import { Fault } from "@slipway/fault/fault";
import { convertImage } from "@slipway/images/convert-image";
import { storeImage } from "@slipway/images/store-image";
import { parsePlatform } from "@slipway/oci/platform";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { findImages } from "../images/find.ts";

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
      const name = formatReference(parseFamiliarReference(target));
      const client = await cli.client();
      const [image] = await findImages(client, source);
      if (!image) throw new Fault("not_found", `no such image: ${source}`);
      await using held = await leased(client);
      const made = await convertImage(held.client.content, image.target, {
        oci: flags.oci ?? false,
        ...(compression === undefined ? {} : { compression }),
        ...(flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }),
      });
      await storeImage(client.images, { name, target: made, labels: image.labels });
      process.stdout.write(`${made.digest}\n`);
    });
}
