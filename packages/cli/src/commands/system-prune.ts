import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { pruneVolumes } from "../volumes/volumes.ts";
import { pruneContainers } from "./container-prune.ts";
import { pruneImages } from "./image-prune.ts";

interface PruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly volumes?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("-a, --all", "every image that no container uses, not only those without a tag")
    .option("--volumes", "volumes without a name that no container uses, too")
    .action(async ({ all = false, force = false, volumes = false }: PruneFlags) => {
      const images = all ? "images that no container uses" : "images without a tag";
      const further = volumes ? ", and volumes without a name" : "";
      if (!(await confirmed(`This removes containers that do not run, and ${images}${further}.`, force)))
        return;
      const client = await cli.client();
      const containers = await pruneContainers(client);
      if (containers.length > 0) process.stdout.write(`Deleted Containers:\n${containers.join("\n")}\n`);
      const removed = volumes ? await pruneVolumes(client, false) : [];
      if (removed.length > 0) process.stdout.write(`Deleted Volumes:\n${removed.join("\n")}\n`);
      const names = await pruneImages(client, all);
      if (names.length > 0) process.stdout.write(`Deleted Images:\n${names.join("\n")}\n`);
    });
}
