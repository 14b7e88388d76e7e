import type { Command } from "commander";
import type { Container } from "@slipway/core/containers";
import { isReservedLabel } from "@slipway/core/labels";
import { anyInteger, readInteger } from "@slipway/fault/read-number";
import type { Cli } from "../cli.ts";
import { descendantsOf } from "../containers/ancestor.ts";
import { mountsOfContainer } from "../containers/container-mounts.ts";
import { containerFilter, networksOf, type Row } from "../containers/filter.ts";
import { findContainer, nameLabel } from "../containers/find.ts";
import { specFieldOf } from "@slipway/client/spec-any";
import { readable } from "../containers/readable.ts";
import { containerStateWord, statusText } from "../containers/state.ts";
import { commandLine } from "../format/command-line.ts";
import { formatListing } from "../format/listing.ts";
import type { Column } from "../format/table.ts";
import { formatAge } from "../format/time.ts";
import { familiar } from "../images/familiar.ts";

interface PsFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly last?: string;
  readonly latest?: boolean;
  readonly trunc: boolean;
  readonly format?: string;
  readonly filter: readonly string[];
}

export function configure(command: Command, cli: Cli): void {
  command
    .option("-a, --all", "also those that do not run")
    .option("-q, --quiet", "only ids")
    .option("-n, --last <count>", "the newest ones, whether they run or not")
    .option("-l, --latest", "the newest one, whether it runs or not")
    .option("--no-trunc", "whole ids and commands")
    .option("--format <template>", "table, json, or a template such as {{.Names}}")
    .option(
      "-f, --filter <key=value>",
      "id, name, label, status, health, exited, ancestor, before, since, network or volume",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async (flags: PsFlags) => {
      const client = await cli.client();
      const [containers, tasks] = await Promise.all([client.containers.list(), client.tasks.list()]);
      const taskById = new Map(tasks.map((task) => [task.containerId, task]));
      const count = flags.latest ? 1 : countOf(flags.last);
      const isWanted = await containerFilter(flags.filter, {
        findContainer: (text) => findContainer(client, text),
        descendantsOf: (text) => descendantsOf(client, text, containers),
      });
      const asksForState = flags.filter.some((filter) => /^(status|exited)=/.test(filter));
      const rows = containers
        .map((container): Row => ({ container, task: taskById.get(container.id) }))
        .filter((row) => flags.all || count > 0 || asksForState || isUp(row))
        .filter(isWanted)
        .toSorted((a, b) => b.container.createdAt.getTime() - a.container.createdAt.getTime());
      const shown = count > 0 ? rows.slice(0, count) : rows;
      const columns = columnsOf(flags.trunc);
      process.stdout.write(
        flags.quiet
          ? shown.map(({ container }) => `${shortId(container, flags.trunc)}\n`).join("")
          : formatListing(columns, headings, shown, flags.format, methods),
      );
    });
}

const headings = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];

function columnsOf(trunc: boolean): Column<Row>[] {
  return [
    { heading: "CONTAINER ID", field: "ID", text: ({ container }) => shortId(container, trunc) },
    { heading: "IMAGE", field: "Image", text: ({ container }) => imageText(container) },
    { heading: "COMMAND", field: "Command", text: ({ container }) => commandText(container, trunc) },
    { heading: "CREATED", field: "RunningFor", text: ({ container }) => formatAge(container.createdAt) },
    { heading: "CREATED AT", field: "CreatedAt", text: ({ container }) => goTime(container.createdAt) },
    {
      heading: "STATUS",
      field: "Status",
      text: ({ container, task }) => statusText(container, task),
    },
    { heading: "STATE", field: "State", text: ({ container, task }) => containerStateWord(container, task) },
    { heading: "PORTS", field: "Ports", text: () => "" },
    { heading: "NAMES", field: "Names", text: ({ container }) => container.labels[nameLabel] ?? "" },
    { heading: "RUNTIME", field: "Runtime", text: ({ container }) => container.runtime.name },
    {
      heading: "LABELS",
      field: "Labels",
      text: ({ container }) =>
        userLabels(container)
          .map(([key, value]) => `${key}=${value}`)
          .join(","),
    },
    { heading: "NETWORKS", field: "Networks", text: ({ container }) => networksOf(container).join(",") },
    { heading: "MOUNTS", field: "Mounts", text: ({ container }) => mountsOf(container).join(",") },
  ];
}

/** What a template calls with an argument. */
function methods({ container }: Row): Record<string, unknown> {
  return { Label: (name: unknown) => container.labels[String(name)] ?? "" };
}

/** Without those that are there for programs. */
function userLabels({ labels }: Container): [string, string][] {
  return Object.entries(labels).filter(([name]) => !isReservedLabel(name));
}

/** The sources of what is mounted: a volume's is its name. */
function mountsOf(container: Container): string[] {
  return (
    readable(() => mountsOfContainer(container).map(({ name, source }) => name ?? source)) ?? [unreadable]
  );
}

/** As Go prints a time: `2026-11-25 22:09:01 +0000 UTC`. */
function goTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** @throws {Fault} `invalid_argument` */
function countOf(last = "0"): number {
  return readInteger("--last", last, anyInteger);
}

function isUp({ container, task }: Row): boolean {
  return ["running", "paused", "restarting"].includes(containerStateWord(container, task));
}

function shortId({ id }: Container, trunc: boolean): string {
  return trunc ? id.slice(0, 12) : id;
}

function imageText({ image, labels }: Container): string {
  return image === "" ? (labels["slipway/rootfs"] ?? "") : familiar(image);
}

function commandText(container: Container, trunc: boolean): string {
  if (!container.spec) return JSON.stringify("");
  const text = readable(() => commandLine(specFieldOf(container).get("process").get("args").texts()));
  if (text === undefined) return unreadable;
  return JSON.stringify(trunc && text.length > 20 ? `${text.slice(0, 19)}…` : text);
}

/** What a column says of a container whose spec, which may be any client's, is not what it must be. */
const unreadable = "<unreadable>";
