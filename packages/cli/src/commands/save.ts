import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { exportImages, platformOf } from "@slipway/images/archive/export";
import { Fault } from "@slipway/fault/fault";
import { parsePlatform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { findImages } from "../images/find.ts";

interface SaveFlags {
  readonly output?: string;
  readonly platform?: string;
  readonly allPlatforms?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<image...>", "names or ids")
    .option("-o, --output <file>", "write to a file instead of the output")
    .option("--platform <os/architecture>", "only this one of its platforms")
    .option("--all-platforms", "accepted for nerdctl's sake: all that are here are saved")
    .action(async (names: readonly string[], { output, platform }: SaveFlags) => {
      if (output === undefined && process.stdout.isTTY) {
        throw new Fault("invalid_argument", "Cannot save to a terminal: use --output, or a pipe");
      }
      const client = await cli.client();
      const images = (await Promise.all(names.map((name) => findImages(client, name)))).flat();
      const bytes = exportImages(client.content, images, {
        ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
        onLeftOut: ({ name }, manifest) =>
          process.stderr.write(`${name}: ${platformOf(manifest)} is not here and is left out\n`),
      });
      if (output !== undefined) return await pipeline(bytes, createWriteStream(output));
      for await (const chunk of bytes) {
        if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
      }
    });
}
