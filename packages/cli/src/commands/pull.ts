import type { Command } from "commander";
import { hostPlatform, parsePlatform } from "@slipway/oci/platform";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { pullWithProgress } from "../images/pull-progress.ts";

interface PullFlags {
  readonly platform?: string;
  readonly quiet?: boolean;
  readonly plainHttp?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<image>", "such as busybox, or registry.example/team/app:1.0")
    .option("--platform <os/architecture>", "which of the image's platforms")
    .option("--plain-http", "speak HTTP with the registry; with loopback ones that is the default")
    .option("-q, --quiet", "print nothing but the image's name")
    .action(async (reference: string, { platform, quiet = false, plainHttp }: PullFlags) => {
      const name = formatReference(parseFamiliarReference(reference));
      const client = await cli.client();
      if (!quiet) process.stdout.write(`Pulling ${name}\n`);
      const { target } = await pullWithProgress(client, name, {
        platform: platform === undefined ? hostPlatform() : parsePlatform(platform),
        snapshotter: cli.globals.snapshotter,
        quiet,
        ...(plainHttp === undefined ? {} : { plainHttp }),
        output: process.stdout,
      });
      process.stdout.write(quiet ? `${name}\n` : `Digest: ${target.digest}\n${name}\n`);
    });
}
