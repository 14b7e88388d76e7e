import { hostPlatform } from "@slipway/oci/platform";
import type { Command } from "commander";
import { findImage } from "@slipway/client/find-images";
import { readImage } from "@slipway/images/image-config";
import type { Digest } from "@slipway/oci/digest";
import { chainIds } from "@slipway/oci/chain-id";
import type { ImageHistory } from "@slipway/oci/image";
import type { Cli } from "../cli.ts";
import { formatListing } from "../format/listing.ts";
import { formatSize } from "../format/size.ts";
import type { Column } from "../format/table.ts";
import { formatAge } from "../format/time.ts";
import { usage } from "../images/list.ts";

interface HistoryFlags {
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly format?: string;
}

interface Step {
  readonly history: ImageHistory;
  /** Missing for a step that made no layer. */
  readonly chainId?: Digest;
  readonly sizeBytes: number;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<image>", "its name or id")
    .option("-q, --quiet", "only the layers' ids")
    .option("--no-trunc", "whole ids and commands")
    .option("--format <template>", "table, json, or a template such as {{.CreatedBy}}")
    .action(async (text: string, { quiet, trunc, format }: HistoryFlags) => {
      const client = await cli.client();
      const image = await findImage(client, text);
      const { config } = await readImage(client.content, image.target, hostPlatform(), image.name);
      const chain = chainIds(config.rootfs.diff_ids);
      const layers = chain.values();
      const steps: Step[] = [];
      // Tools that write no history make layers, too.
      for (const history of config.history ?? chain.map((): ImageHistory => ({}))) {
        const chainId = history.empty_layer ? undefined : layers.next().value;
        const sizeBytes = chainId === undefined ? 0 : await usage(client, cli.globals.snapshotter, chainId);
        steps.unshift({ history, ...(chainId === undefined ? {} : { chainId }), sizeBytes });
      }
      const columns = columnsOf(trunc);
      const shown = ["Snapshot", "CreatedSince", "CreatedBy", "Size", "Comment"];
      process.stdout.write(
        quiet
          ? steps.map(({ chainId }) => `${chainId ?? "<missing>"}\n`).join("")
          : formatListing(columns, shown, steps, format),
      );
    });
}

function columnsOf(trunc: boolean): Column<Step>[] {
  const short = (text: string, length: number): string =>
    trunc && text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return [
    { heading: "SNAPSHOT", field: "Snapshot", text: ({ chainId }) => short(chainId ?? "<missing>", 20) },
    {
      heading: "CREATED",
      field: "CreatedSince",
      text: ({ history }) => (history.created === undefined ? "" : formatAge(new Date(history.created))),
    },
    { heading: "CREATED AT", field: "CreatedAt", text: ({ history }) => history.created ?? "" },
    { heading: "CREATED BY", field: "CreatedBy", text: ({ history }) => short(history.created_by ?? "", 45) },
    { heading: "SIZE", field: "Size", text: ({ sizeBytes }) => formatSize(sizeBytes) },
    { heading: "COMMENT", field: "Comment", text: ({ history }) => history.comment ?? "" },
  ];
}
