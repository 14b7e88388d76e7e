import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import type { Image } from "@slipway/core/images";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { parseTime } from "../format/parse-time.ts";
import { withLabel } from "../images/label.ts";

interface PruneFlags {
  readonly filter: readonly string[];
  readonly all?: boolean;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("-a, --all", "every image that no container uses, not only those without a tag")
    .option(
      "--filter <key=value>",
      "until=TIME (such as 24h: older than that), or label=NAME[=VALUE]",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async ({ all = false, force = false, filter }: PruneFlags) => {
      const which = all ? "all images that no container uses" : "all images without a tag";
      if (!(await confirmed(`This removes ${which}.`, force))) return;
      const removed = await pruneImages(await cli.client(), all, filter);
      if (removed.length > 0) process.stdout.write(`Deleted Images:\n${removed.join("\n")}\n`);
    });
}

/** Removes images that no container uses: all, or those that have no tag. @returns their names */
export async function pruneImages(
  client: Client,
  all: boolean,
  filters: readonly string[] = [],
): Promise<string[]> {
  const matches = filters.map((filter) => toFilter(client, filter));
  const used = new Set((await client.containers.list()).map(({ image }) => image));
  let unused = (await client.images.list()).filter(
    (image) => !used.has(image.name) && (all || !hasTag(image)),
  );
  for (const matching of matches) unused = await matching(unused);
  for (const { name } of unused) await client.images.delete(name);
  // The last one waits for the collector, which then has them all.
  const last = unused.at(-1);
  if (last) await collect(client);
  return unused.map(({ name }) => name);
}

function hasTag({ name }: Image): boolean {
  return /:[\w.-]+$/.test(name.replace(/@.*$/, ""));
}

/** @throws {Fault} `invalid_argument` for a key that is not known */
function toFilter(client: Client, filter: string): (images: Image[]) => Promise<Image[]> | Image[] {
  const [key, value = ""] = filter.split(/=(.*)/s);
  if (key === "label") return (images) => withLabel(client, images, value);
  if (key !== "until")
    throw new Fault("invalid_argument", `Cannot filter by "${filter}": the key is not known`);
  const until = parseTime(value);
  return (images) => images.filter(({ createdAt }) => createdAt < until);
}

/** Deleting a lease with `sync` is how a client has the collector run and waits for it. */
async function collect(client: Client): Promise<void> {
  const { id } = await client.leases.create({});
  await client.leases.delete(id, { sync: true });
}
