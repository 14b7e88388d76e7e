import type { Command } from "commander";
import { storeImage } from "@slipway/images/store-image";
import { Fault } from "@slipway/fault/fault";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { findImages } from "../images/find.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<source>", "an image's name or id")
    .argument("<target>", "its further name")
    .action(async (source: string, target: string) => {
      const client = await cli.client();
      const [image] = await findImages(client, source);
      if (!image) throw new Fault("not_found", `no such image: ${source}`);
      const name = formatReference(parseFamiliarReference(target));
      await storeImage(client.images, { name, target: image.target, labels: image.labels });
    });
}
