import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { exportImages, platformOf } from "@slipway/images/archive/export";
import { findImages } from "@slipway/client/find-images";
import { Fault } from "@slipway/fault/fault";
import { parsePlatform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { addPlatformsFlags, type PlatformsFlags } from "../images/platforms.ts";

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
      const client = await cli.client();
      const images = (await Promise.all(names.map((name) => findImages(client, name)))).flat();
      const bytes = exportImages(client.content, images, {
        // All that are here unless some are named.
        ...(flags.platform.length > 0 ? { platforms: flags.platform.map(parsePlatform) } : {}),
        onLeftOut: ({ name }, manifest) =>
          process.stderr.write(`${name}: ${platformOf(manifest)} is not here and is left out\n`),
      });
      if (output !== undefined) return await pipeline(bytes, createWriteStream(output));
      for await (const chunk of bytes) {
        if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
      }
    });
}
