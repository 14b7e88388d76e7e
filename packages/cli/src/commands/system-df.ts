import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import type { Cli } from "../cli.ts";
import { stateWord } from "../containers/state.ts";
import { formatListing } from "../format/listing.ts";
import { formatSize } from "../format/size.ts";

interface Row {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly sizeBytes: number;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option("--format <template>", "table, json, or a template such as {{.Size}}")
    .action(async ({ format }: { readonly format?: string }) => {
      const client = await cli.client();
      const rows = await usageOf(client, cli.globals.snapshotter);
      process.stdout.write(
        formatListing(
          [
            { heading: "TYPE", field: "Type", text: ({ type }) => type },
            { heading: "TOTAL", field: "TotalCount", text: ({ total }) => String(total) },
            { heading: "ACTIVE", field: "Active", text: ({ active }) => String(active) },
            { heading: "SIZE", field: "Size", text: ({ sizeBytes }) => formatSize(sizeBytes) },
          ],
          ["Type", "TotalCount", "Active", "Size"],
          rows,
          format,
        ),
      );
    });
}

async function usageOf(client: Client, snapshotter: string): Promise<Row[]> {
  const [containers, images, tasks] = await Promise.all([
    client.containers.list(),
    client.images.list(),
    client.tasks.list(),
  ]);
  const own = new Set(containers.map(({ snapshotKey }) => snapshotKey));
  const snapshots = client.snapshotter(snapshotter);
  const sizes = { layers: 0, containers: 0 };
  for await (const { name } of snapshots.walk()) {
    const { sizeBytes } = await snapshots.usage(name);
    sizes[own.has(name) ? "containers" : "layers"] += sizeBytes;
  }
  let [blobs, blobBytes] = [0, 0];
  for await (const { sizeBytes } of client.content.walk()) {
    blobs += 1;
    blobBytes += sizeBytes;
  }
  const used = new Set(containers.map(({ image }) => image));
  return [
    {
      type: "Images",
      total: images.length,
      active: images.filter(({ name }) => used.has(name)).length,
      sizeBytes: sizes.layers,
    },
    {
      type: "Containers",
      total: containers.length,
      active: tasks.filter((task) => stateWord(task) === "running").length,
      sizeBytes: sizes.containers,
    },
    { type: "Blobs", total: blobs, active: blobs, sizeBytes: blobBytes },
  ];
}
