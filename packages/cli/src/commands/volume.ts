import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { anonymousLabel, parseVolumeName, type Volume } from "@slipway/core/volumes";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { eachOf } from "../format/each-of.ts";
import { formatListing } from "../format/listing.ts";
import { parseTemplate } from "../format/template.ts";
import { keyValues } from "../run/key-values.ts";
import { pruneVolumes, removeVolume, volumesFor, volumeUsers } from "../volumes/volumes.ts";
import { volumeFilter } from "../volumes/volume-filter.ts";

export function configure(command: Command, cli: Cli): void {
  configureCreate(command.command("create").summary("Create a volume"), cli);
  configureList(command.command("ls").alias("list").summary("List volumes"), cli);
  configureInspect(command.command("inspect").summary("Show everything about volumes"), cli);
  configureRemove(command.command("rm").alias("remove").summary("Remove volumes"), cli);
  configurePrune(command.command("prune").summary("Remove volumes that no container uses"), cli);
  command.action(() => {
    throw new Fault("invalid_argument", "Cannot tell what to do: create, inspect, ls, prune or rm");
  });
}

const many = (value: string, before: readonly string[]): string[] => [...before, value];

function configureCreate(command: Command, cli: Cli): void {
  command
    .argument("[name]", "made up by default")
    .option("-l, --label <key=value>", "label it", many, [])
    .option("-d, --driver <name>", "local is the only one", "local")
    .action(
      async (
        name: string | undefined,
        flags: { readonly label: readonly string[]; readonly driver: string },
      ) => {
        if (flags.driver !== "local") {
          throw new Fault(
            "invalid_argument",
            `Cannot use volume driver "${flags.driver}": there is only local`,
          );
        }
        const labels = keyValues(flags.label);
        const client = await cli.client();
        const own = name === undefined ? { [anonymousLabel]: "", ...labels } : labels;
        const volume = await volumesFor(client).ensure(
          name === undefined ? randomBytes(32).toString("hex") : parseVolumeName(name),
          own,
        );
        process.stdout.write(`${volume.name}\n`);
      },
    );
}

interface ListFlags {
  readonly quiet?: boolean;
  readonly format?: string;
  readonly filter: readonly string[];
}

function configureList(command: Command, cli: Cli): void {
  command
    .option("-q, --quiet", "only names")
    .option("--format <template>", "table, json, or a template such as {{.Name}}")
    .option("-f, --filter <key=value>", "name, label, driver, dangling or anonymous", many, [])
    .action(async ({ quiet = false, format, filter }: ListFlags) => {
      const client = await cli.client();
      const users = filter.length > 0 ? await volumeUsers(client) : new Map<string, string>();
      const rows = (await volumesFor(client).list()).filter(volumeFilter(filter, users));
      const labelsOf = ({ labels }: Volume): string =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(",");
      const columns = [
        { heading: "DRIVER", field: "Driver", text: () => "local" },
        { heading: "VOLUME NAME", field: "Name", text: ({ name }: Volume) => name },
        { heading: "SCOPE", field: "Scope", text: () => "local" },
        { heading: "LABELS", field: "Labels", text: labelsOf },
        { heading: "MOUNTPOINT", field: "Mountpoint", text: ({ mountpoint }: Volume) => mountpoint },
      ];
      process.stdout.write(
        quiet
          ? rows.map(({ name }) => `${name}\n`).join("")
          : formatListing(columns, ["Driver", "Name"], rows, format),
      );
    });
}

function configureInspect(command: Command, cli: Cli): void {
  command
    .argument("<name...>")
    .option("-f, --format <template>", "json, or a template such as {{.Mountpoint}}")
    .action(async (names: readonly string[], { format }: { readonly format?: string }) => {
      const store = volumesFor(await cli.client());
      const show = format === undefined || format === "json" ? JSON.stringify : parseTemplate(format);
      const found: Record<string, unknown>[] = [];
      const failed = await eachOf(names, async (name) => {
        const { labels, createdAt, mountpoint } = await store.get(name);
        found.push({
          CreatedAt: createdAt.toISOString(),
          Driver: "local",
          Labels: labels,
          Mountpoint: mountpoint,
          Name: name,
          Options: null,
          Scope: "local",
        });
      });
      if (format === undefined) process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
      else for (const one of found) process.stdout.write(`${show(one)}\n`);
      if (failed) cli.exit(1);
    });
}

function configureRemove(command: Command, cli: Cli): void {
  command
    .argument("<name...>")
    .option("-f, --force", "pass over those that do not exist")
    .action(async (names: readonly string[], { force = false }: { readonly force?: boolean }) => {
      const client = await cli.client();
      const failed = await eachOf(
        names,
        async (name) => {
          await removeVolume(client, name);
          process.stdout.write(`${name}\n`);
        },
        { passesOver: force ? ["not_found"] : [] },
      );
      if (failed) cli.exit(1);
    });
}

interface PruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly filter: readonly string[];
}

function configurePrune(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("-a, --all", "those with a name as well")
    .option("--filter <key=value>", "label=NAME[=VALUE] or name=PART", many, [])
    .action(async ({ all = false, force = false, filter }: PruneFlags) => {
      const which = all ? "all volumes" : "the volumes without a name";
      const isWanted = volumeFilter(filter, new Map());
      if (!(await confirmed(`This removes ${which} that no container uses, and what is in them.`, force)))
        return;
      const removed = await pruneVolumes(await cli.client(), all, isWanted);
      if (removed.length > 0) process.stdout.write(`Deleted Volumes:\n${removed.join("\n")}\n`);
    });
}
