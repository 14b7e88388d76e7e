import type { Command } from "commander";
import type { Container } from "@slipway/core/containers";
import { healthStateOf } from "@slipway/core/health";
import type { ProcessState } from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { nameLabel } from "../containers/find.ts";
import { specOf } from "@slipway/client/spec-any";
import { containerStateWord, statusText } from "../containers/state.ts";
import { formatListing } from "../format/listing.ts";
import type { Column } from "../format/table.ts";
import { formatAge } from "../format/time.ts";

interface PsFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly last?: string;
  readonly latest?: boolean;
  readonly trunc: boolean;
  readonly format?: string;
  readonly filter: readonly string[];
}

interface Row {
  readonly container: Container;
  readonly task: ProcessState | undefined;
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
      "id, name, label, status, health, exited or ancestor",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async (flags: PsFlags) => {
      const client = await cli.client();
      const [containers, tasks] = await Promise.all([client.containers.list(), client.tasks.list()]);
      const taskById = new Map(tasks.map((task) => [task.containerId, task]));
      const count = flags.latest ? 1 : Number(flags.last ?? 0);
      const asksForState = flags.filter.some((filter) => /^(status|exited)=/.test(filter));
      const rows = containers
        .map((container): Row => ({ container, task: taskById.get(container.id) }))
        .filter((row) => flags.all || count > 0 || asksForState || isUp(row))
        .filter((row) => flags.filter.every((filter) => matches(row, filter)))
        .toSorted((a, b) => b.container.createdAt.getTime() - a.container.createdAt.getTime());
      const shown = count > 0 ? rows.slice(0, count) : rows;
      const columns = columnsOf(flags.trunc);
      process.stdout.write(
        flags.quiet
          ? shown.map(({ container }) => `${shortId(container, flags.trunc)}\n`).join("")
          : formatListing(columns, headings, shown, flags.format),
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
    { heading: "CREATED AT", field: "CreatedAt", text: ({ container }) => container.createdAt.toISOString() },
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
        Object.entries(container.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(","),
    },
  ];
}

function isUp({ container, task }: Row): boolean {
  return ["running", "paused", "restarting"].includes(containerStateWord(container, task));
}

function shortId({ id }: Container, trunc: boolean): string {
  return trunc ? id.slice(0, 12) : id;
}

function imageText({ image, labels }: Container): string {
  return image || (labels["slipway/rootfs"] ?? "");
}

function commandText(container: Container, trunc: boolean): string {
  const text = container.spec ? specOf(container).process.args.join(" ") : "";
  return `"${trunc && text.length > 20 ? `${text.slice(0, 19)}…` : text}"`;
}

/** @throws {Fault} `invalid_argument` for a key that is not known */
function matches({ container, task }: Row, filter: string): boolean {
  const at = filter.indexOf("=");
  const [key, value] = at < 0 ? [filter, ""] : [filter.slice(0, at), filter.slice(at + 1)];
  switch (key) {
    case "id":
      return container.id.startsWith(value);
    case "name":
      return (container.labels[nameLabel] ?? "").includes(value);
    case "label": {
      const [name = "", wanted] = value.split(/=(.*)/s);
      const has = container.labels[name];
      return has !== undefined && (wanted === undefined || has === wanted);
    }
    case "status":
      return containerStateWord(container, task) === value;
    case "exited":
      return task?.exit !== undefined && task.exit.exitStatus === Number(value);
    case "health":
      return (healthStateOf(container.labels)?.status ?? "none") === value;
    case "ancestor":
      return imageText(container).includes(value);
    default:
      throw new Fault("invalid_argument", `Cannot filter by "${filter}": the key is not known`);
  }
}
