import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import { findImage } from "@slipway/client/find-images";
import { push } from "@slipway/client/push";
import type { Image } from "@slipway/core/images";
import { Fault } from "@slipway/fault/fault";
import { platformOf } from "@slipway/images/archive/export";
import { reduceImage } from "@slipway/images/reduce-image";
import { hexOf } from "@slipway/oci/digest";
import { familiarReference, formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { splitName } from "../images/familiar.ts";
import { requirePlatforms } from "../images/require-platform.ts";
import { addPlatformsFlags, type PlatformsFlags, platformsOf } from "../images/platforms.ts";

const words = { pushed: "Pushed", existed: "Layer already exists", mounted: "Mounted" } as const;

interface PushFlags extends PlatformsFlags {
  readonly allTags?: boolean;
  readonly plainHttp?: boolean;
  readonly quiet?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command.argument("<image>", "its name, with the registry it goes to");
  addPlatformsFlags(command)
    .option("-a, --all-tags", "all tags of that name")
    .option("--plain-http", "speak HTTP with the registry; with loopback ones that is the default")
    .option("-q, --quiet", "print nothing but the digest")
    .action(async (text: string, flags: PushFlags) => {
      const client = await cli.client();
      for (const image of await toPush(client, text, flags)) await pushOne(client, image, flags);
    });
}

async function toPush(client: Client, text: string, { allTags = false }: PushFlags): Promise<Image[]> {
  const images = allTags ? await tagsOf(client, text) : [await toPushAs(client, text)];
  if (images.length === 0) throw new Fault("not_found", `no such image: ${text}`);
  return images;
}

/** By a digest, an image goes out under that digest, unless the tag beside it is one of its own: as in a pull, it says nothing. */
async function toPushAs(client: Client, text: string): Promise<Image> {
  const image = await findImage(client, text);
  if (!text.includes("@") || image.name === text) return image;
  const { host, repository, tag } = parseFamiliarReference(text);
  const name = formatReference({ host, repository, ...(tag === undefined ? {} : { tag }) });
  if (tag !== undefined && image.name === name) return image;
  return { ...image, name: formatReference({ host, repository, digest: image.target.digest }) };
}

async function tagsOf(client: Client, text: string): Promise<Image[]> {
  const { tag, digest, ...wanted } = parseFamiliarReference(text);
  if (digest !== undefined || text.endsWith(`:${tag}`)) {
    throw new Fault("invalid_argument", `Cannot push all tags of "${text}": it names one`);
  }
  const repository = familiarReference(wanted);
  return (await client.images.list()).filter(({ name }) => {
    const own = splitName(name);
    return own.tag !== "<none>" && !name.includes("@") && own.repository === repository;
  });
}

/** Of an index, the platforms that were named, or those that are here: it goes out as a smaller one, or as its only manifest. */
async function pushOne(client: Client, { name, target: whole }: Image, flags: PushFlags): Promise<void> {
  const { quiet = false, plainHttp } = flags;
  const platforms = platformsOf(flags);
  await requirePlatforms(client.content, { name, target: whole }, platforms);
  await using held = await leased(client);
  const { target, leftOut } =
    platforms === "all"
      ? { target: whole, leftOut: [] }
      : await reduceImage(held.client.content, whole, platforms);
  for (const one of platforms ? [] : leftOut) {
    process.stderr.write(`${name}: ${platformOf(one)} is not here and is left out\n`);
  }
  await push(held.client, name, target, {
    ...(plainHttp === undefined ? {} : { plainHttp }),
    onWarning: (text) => process.stderr.write(`The registry warns: ${text}\n`),
    onBlob: ({ digest }, result) => {
      if (!quiet) process.stdout.write(`${hexOf(digest).slice(0, 12)}: ${words[result]}\n`);
    },
  });
  process.stdout.write(`${quiet ? "" : "Digest: "}${target.digest}\n`);
}
