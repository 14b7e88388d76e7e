import type { Command } from "commander";
import { push } from "@slipway/client/push";
import { Fault } from "@slipway/fault/fault";
import { hexOf } from "@slipway/oci/digest";
import { parsePlatform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { findImages } from "../images/find.ts";

const words = { pushed: "Pushed", existed: "Layer already exists", mounted: "Mounted" } as const;

interface PushFlags {
  readonly platform?: string;
  readonly plainHttp?: boolean;
  readonly quiet?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<image>", "its name, with the registry it goes to")
    .option("--platform <os/architecture>", "only this one of its platforms")
    .option("--plain-http", "speak HTTP with the registry; with loopback ones that is the default")
    .option("-q, --quiet", "print nothing but the digest")
    .action(async (text: string, { platform, plainHttp, quiet = false }: PushFlags) => {
      const client = await cli.client();
      const [image] = await findImages(client, text);
      if (!image) throw new Fault("not_found", `no such image: ${text}`);
      const target = await push(client, image.name, image.target, {
        ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
        ...(plainHttp === undefined ? {} : { plainHttp }),
        onBlob: ({ digest }, result) => {
          if (!quiet) process.stdout.write(`${hexOf(digest).slice(0, 12)}: ${words[result]}\n`);
        },
      });
      process.stdout.write(`${quiet ? "" : "Digest: "}${target.digest}\n`);
    });
}
