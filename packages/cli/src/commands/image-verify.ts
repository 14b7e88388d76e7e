import type { Command } from "commander";
import type { CheckedImage } from "@slipway/core/integrity";
import type { Client } from "@slipway/client/client";
import { findImages } from "@slipway/client/find-images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { ImageCheck } from "@slipway/images/check-image";
import type { Cli } from "../cli.ts";

export function configure(command: Command, cli: Cli): void {
  command.argument("[image...]", "names or ids; all unless told").action(async (names: readonly string[]) => {
    const client = await cli.client();
    const images =
      names.length === 0
        ? await client.images.list()
        : (await Promise.all(names.map((name) => findImages(client, name)))).flat();
    let hurt = 0;
    for await (const { name, damages } of check(client, images)) {
      process.stdout.write(`${name}: ${damages.length === 0 ? "ok" : "damaged"}\n`);
      for (const { kind, digest, snapshotter, reason } of damages)
        process.stdout.write(`  ${kind} ${digest}${snapshotter && ` in ${snapshotter}`}: ${reason}\n`);
      if (damages.length > 0) hurt += 1;
    }
    if (hurt > 0) throw new Fault("data_loss", `${hurt} of ${images.length} images are damaged`);
  });
}

type Images = Awaited<ReturnType<Client["images"]["list"]>>;

async function* check(client: Client, images: Images): AsyncGenerator<CheckedImage> {
  if (images.length === 0) return;
  try {
    yield* client.integrity.check(images.map(({ name }) => name));
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
    // Another daemon than ours: the blobs can be read from here, layers cannot.
    const blobs = new ImageCheck(client);
    for (const image of images) yield { name: image.name, damages: await blobs.damages(image) };
  }
}
