import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { findContainer, nameLabel } from "../containers/find.ts";
import { refuseBadName, refuseTakenName } from "../run/names.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<container>", "name or id")
    .argument("<name>", "the new name")
    .action(async (text: string, name: string) => {
      refuseBadName(name);
      const client = await cli.client();
      const container = await findContainer(client, text);
      const { labels } = container;
      if (labels[nameLabel] === name) return;
      await refuseTakenName(client, name);
      await client.containers.update({ ...container, labels: { ...labels, [nameLabel]: name } }, [
        `labels.${nameLabel}`,
      ]);
    });
}
