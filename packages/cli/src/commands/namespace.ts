import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { formatListing } from "../format/listing.ts";
import { keyValues } from "../run/key-values.ts";

interface Row {
  readonly name: string;
  readonly containers: number;
  readonly images: number;
  readonly labels: string;
}

export function configure(command: Command, cli: Cli): void {
  const labels = (value: string, before: readonly string[]): string[] => [...before, value];
  command
    .command("ls")
    .alias("list")
    .summary("List namespaces")
    .option("-q, --quiet", "only names")
    .option("--format <template>", "table, json, or a template such as {{.Name}}")
    .action(async ({ quiet, format }: { readonly quiet?: boolean; readonly format?: string }) => {
      const client = await cli.client();
      const rows = await Promise.all(
        (await client.namespaces.list()).map(async ({ name, labels: own }): Promise<Row> => {
          const inside = client.inNamespace(name);
          const [containers, images] = await Promise.all([inside.containers.list(), inside.images.list()]);
          const text = Object.entries(own).map(([key, value]) => `${key}=${value}`);
          return { name, containers: containers.length, images: images.length, labels: text.join(",") };
        }),
      );
      process.stdout.write(
        quiet
          ? rows.map(({ name }) => `${name}\n`).join("")
          : formatListing(
              [
                { heading: "NAME", field: "Name", text: ({ name }) => name },
                { heading: "CONTAINERS", field: "Containers", text: ({ containers }) => String(containers) },
                { heading: "IMAGES", field: "Images", text: ({ images }) => String(images) },
                { heading: "LABELS", field: "Labels", text: (row) => row.labels },
              ],
              ["Name", "Containers", "Images", "Labels"],
              rows,
              format,
            ),
      );
    });
  command
    .command("create")
    .summary("Create a namespace")
    .argument("<name>")
    .option("-l, --label <key=value>", "label it", labels, [])
    .action(async (name: string, { label }: { readonly label: readonly string[] }) => {
      const client = await cli.client();
      await client.namespaces.create({ name, labels: keyValues(label) });
    });
  command
    .command("remove")
    .alias("rm")
    .summary("Remove empty namespaces")
    .argument("<name...>")
    .action(async (names: readonly string[]) => {
      const client = await cli.client();
      for (const name of names) {
        await client.namespaces.delete(name);
        process.stdout.write(`${name}\n`);
      }
    });
  command.action(() => {
    throw new Fault("invalid_argument", "Cannot tell what to do: ls, create or remove");
  });
}
