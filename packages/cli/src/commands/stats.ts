import { totalmem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { hasCode } from "@slipway/fault/fault";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { findContainer, nameLabel } from "../containers/find.ts";
import { readUsage, type Usage } from "../containers/usage.ts";
import { formatListing } from "../format/listing.ts";
import { formatMemory, formatSize } from "../format/size.ts";
import type { Column } from "../format/table.ts";

interface StatsFlags {
  readonly stream: boolean;
  readonly trunc: boolean;
  readonly format?: string;
}

interface Row {
  readonly container: Container;
  /** Undefined if it could not be read. */
  readonly usage: Usage | undefined;
  readonly cpuPercent: number;
}

interface Sample {
  readonly usage: Usage | undefined;
  /** In nanoseconds of the monotonic clock. */
  readonly at: bigint;
}

const intervalMs = 1000;

export function configure(command: Command, cli: Cli): void {
  command
    .argument("[container...]", "names or ids; all that run unless told")
    .option("--no-stream", "show it once")
    .option("--no-trunc", "whole ids")
    .option("-a, --all", "accepted for Docker's sake: one that does not run uses nothing, and is not shown")
    .option("--format <template>", "table, json, or a template such as {{.CPUPerc}}")
    .action(async (names: readonly string[], { stream, trunc, format }: StatsFlags) => {
      const client = await cli.client();
      const leave = new AbortController();
      process.once("SIGINT", () => leave.abort());
      const columns = columnsOf(trunc);
      let before = await sample(client, names);
      for (;;) {
        // CPU use is a difference: there is nothing to show before a second has passed.
        await delay(intervalMs, undefined, { signal: leave.signal }).catch(() => {});
        if (leave.signal.aborted) return;
        const now = await sample(client, names);
        const rows = [...now].map(([container, one]) => rowOf(container, one, find(before, container.id)));
        const clear = stream && process.stdout.isTTY ? "\u001B[2J\u001B[H" : "";
        process.stdout.write(clear + formatListing(columns, headings, rows, format));
        if (!stream) return;
        before = now;
      }
    });
}

/** A container that ends meanwhile is left out. */
async function sample(client: Client, names: readonly string[]): Promise<Map<Container, Sample>> {
  const running = new Set(
    (await client.tasks.list())
      .filter(({ status }) => status === "running")
      .map(({ containerId }) => containerId),
  );
  const wanted =
    names.length > 0
      ? await Promise.all(names.map((name) => findContainer(client, name)))
      : await client.containers.list();
  const samples = new Map<Container, Sample>();
  for (const container of wanted.filter(({ id }) => running.has(id))) {
    try {
      samples.set(container, {
        usage: await readUsage(client.tasks, container.id),
        at: process.hrtime.bigint(),
      });
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
  }
  return samples;
}

function find(samples: ReadonlyMap<Container, Sample>, id: string): Sample | undefined {
  return [...samples].find(([container]) => container.id === id)?.[1];
}

function rowOf(container: Container, { usage, at }: Sample, before: Sample | undefined): Row {
  if (!before?.usage || !usage) return { container, usage, cpuPercent: 0 };
  const used = Number(usage.cpuNanoseconds - before.usage.cpuNanoseconds);
  return { container, usage, cpuPercent: (used / Number(at - before.at)) * 100 };
}

const headings = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "BlockIO", "PIDs"];

function columnsOf(trunc: boolean): Column<Row>[] {
  const limit = (usage: Usage): number => Math.min(usage.memoryLimitBytes || Infinity, totalmem());
  const known =
    (text: (usage: Usage, row: Row) => string, unknown = "--") =>
    (row: Row): string =>
      row.usage ? text(row.usage, row) : unknown;
  return [
    { heading: "CONTAINER ID", field: "ID", text: ({ container: { id } }) => (trunc ? id.slice(0, 12) : id) },
    {
      heading: "CONTAINER",
      field: "Container",
      text: ({ container: { id } }) => (trunc ? id.slice(0, 12) : id),
    },
    { heading: "NAME", field: "Name", text: ({ container }) => container.labels[nameLabel] ?? "" },
    { heading: "CPU %", field: "CPUPerc", text: known((_, { cpuPercent }) => `${cpuPercent.toFixed(2)}%`) },
    {
      heading: "MEM USAGE / LIMIT",
      field: "MemUsage",
      text: known((usage) => `${formatMemory(usage.memoryBytes)} / ${formatMemory(limit(usage))}`, "-- / --"),
    },
    {
      heading: "MEM %",
      field: "MemPerc",
      text: known((usage) => `${((usage.memoryBytes / limit(usage)) * 100).toFixed(2)}%`),
    },
    {
      heading: "BLOCK I/O",
      field: "BlockIO",
      text: known((usage) => `${formatSize(usage.readBytes)} / ${formatSize(usage.writtenBytes)}`, "-- / --"),
    },
    { heading: "PIDS", field: "PIDs", text: known(({ pids }) => String(pids)) },
  ];
}
