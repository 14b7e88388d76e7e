import { once } from "node:events";
import type { Command } from "commander";
import { exportImages, platformOf } from "@slipway/images/archive/export";
import { findImages } from "@slipway/client/find-images";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { addPlatformsFlags, type PlatformsFlags, platformsOf } from "../images/platforms.ts";
import { requirePlatforms } from "../images/require-platform.ts";
import { checkArchivePath, writeArchive } from "../images/write-archive.ts";

interface SaveFlags extends PlatformsFlags {
  readonly output?: string;
}

export function configure(command: Command, cli: Cli): void {
  command.argument("<image...>", "names or ids");
  addPlatformsFlags(command)
    .option("-o, --output <file>", "write to a file instead of the output")
    .action(async (names: readonly string[], { output, ...flags }: SaveFlags) => {
      if (output === undefined && process.stdout.isTTY) {
        throw new Fault("invalid_argument", "Cannot save to a terminal: use --output, or a pipe");
      }
      if (output !== undefined) checkArchivePath(output);
      const platforms = flags.allPlatforms ? undefined : platformsOf(flags);
      const client = await cli.client();
      const images = (await Promise.all(names.map((name) => findImages(client, name)))).flat();
      for (const image of images) await requirePlatforms(client.content, image, platforms);
      const bytes = exportImages(client.content, images, {
        // All that are here unless some are named.
        ...(platforms && platforms !== "all" ? { platforms } : {}),
        onLeftOut: ({ name }, manifest) =>
          process.stderr.write(`${name}: ${platformOf(manifest)} is not here and is left out\n`),
      });
      if (output !== undefined) return await writeArchive(output, bytes);
      for await (const chunk of bytes) {
        if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
      }
    });
}
