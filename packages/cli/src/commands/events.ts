import type { Command } from "commander";
import { decodeEvent } from "@slipway/client/events";
import type { Cli } from "../cli.ts";
import { parseTemplate } from "../format/template.ts";

interface EventsFlags {
  readonly format?: string;
  readonly filter: readonly string[];
  readonly allNamespaces?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option("--format <template>", "json, or a template such as {{.Topic}}")
    .option("--all-namespaces", "events of every namespace")
    .option(
      "-f, --filter <filter>",
      'containerd\'s filters, such as topic=="/tasks/exit", or event=exit',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async ({ format, filter, allNamespaces = false }: EventsFlags) => {
      const client = await cli.client();
      const leave = new AbortController();
      process.once("SIGINT", () => leave.abort());
      process.once("SIGTERM", () => leave.abort());
      const show = format === undefined || format === "json" ? undefined : parseTemplate(format);
      const own = allNamespaces ? "" : `namespace==${client.namespace}`;
      const filters = filter.map((one) => [own, filterOf(one)].filter(Boolean).join(","));
      const wanted = filters.length > 0 ? filters : own === "" ? [] : [own];
      try {
        for await (const envelope of client.events.subscribe(wanted, { signal: leave.signal })) {
          const { timestamp, namespace, topic } = envelope;
          const { $typeName: _, ...event } = decodeEvent(envelope) ?? {};
          const fields = {
            Timestamp: timestamp.toISOString(),
            Namespace: namespace,
            Topic: topic,
            Event: plain(event),
          };
          process.stdout.write(
            show
              ? `${show(fields)}\n`
              : format === "json"
                ? `${JSON.stringify(fields)}\n`
                : `${fields.Timestamp} ${namespace} ${topic} ${JSON.stringify(fields.Event)}\n`,
          );
        }
      } catch (error) {
        if (!leave.signal.aborted) throw error;
      }
    });
}

/** Docker's `event=NAME` means topics that end so. */
function filterOf(filter: string): string {
  const [, name] = /^event=([\w-]+)$/.exec(filter) ?? [];
  return name === undefined ? filter : `topic~="/${name}$"`;
}

/** A message's fields without what is only for the protocol's library, and with numbers that JSON knows. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("seconds" in value && "nanos" in value && typeof value.seconds === "bigint") {
    return new Date(Number(value.seconds) * 1000 + Number(value.nanos) / 1e6).toISOString();
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (key === "$typeName" ? [] : [[key, plain(one)]])),
  );
}
