import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";

interface PruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("-a, --all", "every image that no container uses, not only those without a tag")
    .action(async ({ all = false, force = false }: PruneFlags) => {
      const which = all ? "all images that no container uses" : "all images without a tag";
      if (!(await confirmed(`This removes ${which}.`, force))) return;
      const removed = await pruneImages(await cli.client(), all);
      if (removed.length > 0) process.stdout.write(`Deleted Images:\n${removed.join("\n")}\n`);
    });
}

/** Removes images that no container uses: all, or those that have no tag. @returns their names */
export async function pruneImages(client: Client, all: boolean): Promise<string[]> {
  const used = new Set((await client.containers.list()).map(({ image }) => image));
  const unused = (await client.images.list()).filter(
    ({ name }) => !used.has(name) && (all || !/:[\w.-]+$/.test(name.replace(/@.*$/, ""))),
  );
  for (const { name } of unused) await client.images.delete(name);
  // The last one waits for the collector, which then has them all.
  const last = unused.at(-1);
  if (last) await collect(client);
  return unused.map(({ name }) => name);
}

/** Deleting a lease with `sync` is how a client has the collector run and waits for it. */
async function collect(client: Client): Promise<void> {
  const { id } = await client.leases.create({});
  await client.leases.delete(id, { sync: true });
}
