import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { pruneContainers } from "./container-prune.ts";
import { pruneImages } from "./image-prune.ts";

interface PruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("-a, --all", "every image that no container uses, not only those without a tag")
    .action(async ({ all = false, force = false }: PruneFlags) => {
      const images = all ? "images that no container uses" : "images without a tag";
      if (!(await confirmed(`This removes containers that do not run, and ${images}.`, force))) return;
      const client = await cli.client();
      const containers = await pruneContainers(client);
      if (containers.length > 0) process.stdout.write(`Deleted Containers:\n${containers.join("\n")}\n`);
      const names = await pruneImages(client, all);
      if (names.length > 0) process.stdout.write(`Deleted Images:\n${names.join("\n")}\n`);
    });
}
