import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { decodeEvent } from "@slipway/client/events";
import type { Envelope, RecordedEvent } from "@slipway/core/events";
import { hasCode } from "@slipway/fault/fault";
import { anyCount, readInteger } from "@slipway/fault/read-number";
import { fromTimestamp } from "@slipway/rpc/timestamp";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { eventFilters } from "../events/event-filters.ts";
import { abortAt } from "../format/abort-at.ts";
import { parseTime } from "../format/parse-time.ts";
import { parseTemplate } from "../format/template.ts";

interface EventsFlags {
  readonly format?: string;
  readonly filter: readonly string[];
  readonly allNamespaces?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly after?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option("--format <template>", "json, or a template such as {{.Topic}}")
    .option("--all-namespaces", "events of every namespace")
    .option(
      "-f, --filter <filter>",
      'container=, event= or type=, or containerd\'s filters, such as topic=="/tasks/exit"',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option("--since <time>", "those first that happened since then: a date, or how long ago, such as 10m")
    .option("--until <time>", "not after")
    .option("--after <sequence>", "those first that came after the event of that sequence")
    .action(async (flags: EventsFlags) => {
      const client = await cli.client();
      const leave = new AbortController();
      process.once("SIGINT", () => leave.abort());
      process.once("SIGTERM", () => leave.abort());
      const lineOf = printer(flags.format);
      try {
        for await (const event of eventsOf(client, flags, leave)) process.stdout.write(`${lineOf(event)}\n`);
      } catch (error) {
        if (!leave.signal.aborted) throw error;
      }
    });
}

/** What is to come; with a time or a sequence to begin at, from the daemon's journal first. */
async function* eventsOf(
  client: Client,
  flags: EventsFlags,
  leave: AbortController,
): AsyncGenerator<Envelope | RecordedEvent> {
  const { signal } = leave;
  const since = flags.since === undefined ? undefined : parseTime(flags.since);
  const until = flags.until === undefined ? undefined : parseTime(flags.until);
  const after = flags.after === undefined ? undefined : parseSequence(flags.after);
  const follow = until === undefined || until.getTime() > Date.now();
  if (until && follow) abortAt(leave, until);
  const filters = await filtersOf(client, flags);
  if (follow && since === undefined && after === undefined) {
    yield* client.events.subscribe(filters, { signal });
    return;
  }
  const range = { follow, signal, ...(since ? { since } : {}), ...(after === undefined ? {} : { after }) };
  for await (const event of client.events.read(filters, range)) {
    if (!until || event.timestamp <= until) yield event;
  }
}

function parseSequence(text: string): number {
  return readInteger("--after", text, anyCount);
}

async function filtersOf(
  client: Client,
  { filter, allNamespaces = false }: EventsFlags,
): Promise<readonly string[]> {
  const own = allNamespaces ? "" : `namespace==${client.namespace}`;
  const filters = await eventFilters(filter, (name) => idOf(client, name));
  return filters.map((one) => [own, one].filter(Boolean).join(",")).filter((one) => one !== "");
}

/** Events are told of containers that are gone, too: then it is the id that was typed. */
async function idOf(client: Client, name: string): Promise<string> {
  try {
    return (await findContainer(client, name)).id;
  } catch (error) {
    if (hasCode(error, "not_found")) return name;
    throw error;
  }
}

function printer(format: string | undefined): (event: Envelope | RecordedEvent) => string {
  const show = format === undefined || format === "json" ? undefined : parseTemplate(format);
  return (envelope) => {
    const { timestamp, namespace, topic } = envelope;
    const { $typeName: _, ...event } = decodeEvent(envelope) ?? {};
    const fields = {
      Timestamp: timestamp.toISOString(),
      Namespace: namespace,
      Topic: topic,
      Event: plain(event),
      ...("sequence" in envelope ? { Sequence: envelope.sequence } : {}),
    };
    if (show) return show(fields);
    if (format === "json") return JSON.stringify(fields);
    return `${fields.Timestamp} ${namespace} ${topic} ${JSON.stringify(fields.Event)}`;
  };
}

/** A message's fields without what is only for the protocol's library, and with numbers that JSON knows. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("seconds" in value && "nanos" in value && typeof value.seconds === "bigint") {
    return fromTimestamp({ seconds: value.seconds, nanos: Number(value.nanos) }).toISOString();
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (key === "$typeName" ? [] : [[key, plain(one)]])),
  );
}
