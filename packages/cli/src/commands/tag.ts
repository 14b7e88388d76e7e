import type { Command } from "commander";
import { findImage } from "@slipway/client/find-images";
import { storeImage } from "@slipway/images/store-image";
import { newImageName } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<source>", "an image's name or id")
    .argument("<target>", "its further name")
    .action(async (source: string, target: string) => {
      const client = await cli.client();
      const image = await findImage(client, source);
      const name = newImageName(target);
      await storeImage(client.images, { name, target: image.target, labels: image.labels });
    });
}
