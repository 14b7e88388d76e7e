import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { findImages } from "@slipway/client/find-images";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Cli } from "../cli.ts";

interface RmiFlags {
  readonly force?: boolean;
  readonly async?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<image...>", "names or ids")
    .option("-f, --force", "also when containers use it")
    .option("--async", "do not wait until its content is collected")
    .action(async (names: readonly string[], flags: RmiFlags) => {
      const client = await cli.client();
      for (const name of names) await remove(client, name, flags);
    });
}

async function remove(
  client: Client,
  text: string,
  { force = false, async = false }: RmiFlags,
): Promise<void> {
  const images = await findImages(client, text);
  for (const { name, target } of images) {
    await refusePart(client, name, target, text);
    if (!force) {
      const [user] = (await client.containers.list()).filter((container) => container.image === name);
      if (user) {
        throw new Fault(
          "failed_precondition",
          `Cannot remove image "${name}": container ${user.id.slice(0, 12)} uses it; use --force`,
        );
      }
    }
    await client.images.delete(name, { sync: !async });
    process.stdout.write(`Untagged: ${name}@${target.digest}\n`);
  }
}

/** One platform of an image cannot be removed by its digest: that would take the others with it. */
async function refusePart(client: Client, name: string, { digest }: Descriptor, text: string): Promise<void> {
  if (!text.includes("@") || (await client.images.get(name)).target.digest === digest) return;
  const what = `it is one platform of the index "${name}"`;
  throw new Fault("failed_precondition", `Cannot remove image "${text}": ${what}: remove that`);
}
