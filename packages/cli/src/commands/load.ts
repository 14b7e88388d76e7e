import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { importImages } from "@slipway/images/archive/import";
import { leased } from "@slipway/client/leased";
import { Fault } from "@slipway/fault/fault";
import { hostPlatform, parsePlatform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { ensureUnpacked, readIfComplete } from "../images/ensure-image.ts";

interface LoadFlags {
  readonly input?: string;
  readonly quiet?: boolean;
  readonly platform?: string;
}

const chunkBytes = 1024 * 1024;

export function configure(command: Command, cli: Cli): void {
  command
    .option("-i, --input <file>", "read a file instead of the input")
    .option("-q, --quiet", "print only names")
    .option("--platform <os/architecture>", "which of the images' platforms to unpack")
    .action(async ({ input, quiet = false, platform: wanted }: LoadFlags) => {
      if (input === undefined && process.stdin.isTTY) {
        throw new Fault("invalid_argument", "Cannot load from a terminal: use --input, or a pipe");
      }
      const client = await cli.client();
      const source =
        input === undefined ? process.stdin : createReadStream(input, { highWaterMark: chunkBytes });
      const platform = wanted === undefined ? hostPlatform() : parsePlatform(wanted);
      await using held = await leased(client);
      const { content, images } = held.client;
      for (const image of await importImages(content, images, source as AsyncIterable<Buffer>)) {
        const found = await readIfComplete(client, image, platform);
        if (found) await ensureUnpacked(client, cli.globals.snapshotter, found);
        else process.stderr.write(`${image.name}: it has nothing for this platform\n`);
        process.stdout.write(quiet ? `${image.name}\n` : `Loaded image: ${image.name}\n`);
      }
    });
}
