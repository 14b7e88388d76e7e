import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import { hexOf } from "@slipway/oci/digest";
import type { Cli } from "../cli.ts";
import { formatListing } from "../format/listing.ts";
import { formatSize } from "../format/size.ts";
import type { Column } from "../format/table.ts";
import { formatAge } from "../format/time.ts";
import { familiar, isNameOf, splitName } from "../images/familiar.ts";
import { withLabel } from "../images/label.ts";
import { type ImageSummary, summarize } from "../images/list.ts";
import { matchesName } from "../images/matches-name.ts";

interface ImagesFlags {
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly digests?: boolean;
  readonly names?: boolean;
  readonly format?: string;
  readonly filter: readonly string[];
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("[repository]", "only images of this name, or of names like it: team/*, app:1.?")
    .option("-a, --all", "accepted for Docker's sake: there are no hidden images")
    .option("-q, --quiet", "only ids")
    .option("--no-trunc", "whole ids")
    .option("--digests", "show digests, too")
    .option("--names", "show whole names")
    .option("--format <template>", "table, json, or a template such as {{.Repository}}")
    .option(
      "-f, --filter <key=value>",
      "reference, label, dangling, before or since",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async (wanted: string | undefined, flags: ImagesFlags) => {
      const client = await cli.client();
      const images = await client.images.list();
      const [byLabel, others] = partition(flags.filter, (filter) => filter.startsWith("label="));
      let chosen = images
        .filter(({ name }) => wanted === undefined || matchesName(name, wanted))
        .filter((image) => others.every((filter) => matches(image, filter, images)));
      for (const filter of byLabel) chosen = await withLabel(client, chosen, filter.slice("label=".length));
      const summaries = await Promise.all(
        chosen.map((image) => summarize(client, cli.globals.snapshotter, image)),
      );
      const rows = summaries.toSorted((a, b) => b.image.createdAt.getTime() - a.image.createdAt.getTime());
      const columns = columnsOf(flags.trunc);
      if (!flags.quiet) warn(rows);
      process.stdout.write(
        flags.quiet
          ? rows.map((row) => `${idOf(row, flags.trunc)}\n`).join("")
          : formatListing(columns, headings(flags), rows, flags.format),
      );
    });
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Why something is not known. */
function warn(rows: readonly ImageSummary[]): void {
  for (const { image, problem } of rows) {
    if (problem !== undefined) process.stderr.write(`slipway: image "${familiar(image.name)}": ${problem}\n`);
  }
}

function headings({ digests, names }: ImagesFlags): string[] {
  const name = names ? ["Name"] : ["Repository", "Tag"];
  return [...name, ...(digests ? ["Digest"] : []), "ID", "CreatedSince", "Platform", "Size", "BlobSize"];
}

function columnsOf(trunc: boolean): Column<ImageSummary>[] {
  return [
    { heading: "NAME", field: "Name", text: ({ image }) => image.name },
    { heading: "REPOSITORY", field: "Repository", text: ({ image }) => splitName(image.name).repository },
    { heading: "TAG", field: "Tag", text: ({ image }) => splitName(image.name).tag },
    { heading: "DIGEST", field: "Digest", text: ({ image }) => image.target.digest },
    { heading: "IMAGE ID", field: "ID", text: (row) => idOf(row, trunc) },
    { heading: "CREATED", field: "CreatedSince", text: ({ image }) => formatAge(image.createdAt) },
    { heading: "CREATED AT", field: "CreatedAt", text: ({ image }) => image.createdAt.toISOString() },
    { heading: "PLATFORM", field: "Platform", text: ({ platform }) => platform },
    {
      heading: "SIZE",
      field: "Size",
      text: ({ sizeBytes }) => (sizeBytes === undefined ? "unknown" : formatSize(sizeBytes)),
    },
    { heading: "BLOB SIZE", field: "BlobSize", text: ({ blobBytes }) => formatSize(blobBytes) },
  ];
}

function idOf({ image }: ImageSummary, trunc: boolean): string {
  return trunc ? hexOf(image.target.digest).slice(0, 12) : image.target.digest;
}

/** @throws {Fault} `invalid_argument` for a key that is not known */
function matches(
  image: ImageSummary["image"],
  filter: string,
  all: readonly ImageSummary["image"][],
): boolean {
  const [key, value = ""] = filter.split(/=(.*)/s);
  const other = (): number => {
    const found = all.find(({ name }) => isNameOf(name, value));
    if (!found) throw new Fault("not_found", `no such image: ${value}`);
    return found.createdAt.getTime();
  };
  if (key === "reference") return matchesName(image.name, value) || image.name.includes(value);
  if (key === "before") return image.createdAt.getTime() < other();
  if (key === "since") return image.createdAt.getTime() > other();
  if (key === "dangling" && value !== "true" && value !== "false") {
    throw new Fault("invalid_argument", `Cannot filter by "${filter}": dangling is true or false`);
  }
  if (key === "dangling") return (splitName(image.name).tag === "<none>") === (value !== "false");
  throw new Fault("invalid_argument", `Cannot filter by "${filter}": the key is not known`);
}
