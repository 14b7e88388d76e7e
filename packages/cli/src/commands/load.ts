import { type FileHandle, open } from "node:fs/promises";
import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import type { Image } from "@slipway/core/images";
import { codeOf, Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { hostPlatform, type Platform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { isSlipwayd } from "../daemon/is-slipwayd.ts";
import { ensureUnpacked } from "@slipway/client/ensure-unpacked";
import { readIfComplete } from "../images/ensure-image.ts";
import { addPlatformsFlags, type PlatformsFlags, platformsOf } from "../images/platforms.ts";

interface LoadFlags extends PlatformsFlags {
  readonly input?: string;
  readonly quiet?: boolean;
}

const chunkBytes = 1024 * 1024;

export function configure(command: Command, cli: Cli): void {
  addPlatformsFlags(command)
    .option("-i, --input <file>", "read a file instead of the input")
    .option("-q, --quiet", "print only names")
    .action(async ({ input, quiet = false, ...flags }: LoadFlags) => {
      if (input === undefined && process.stdin.isTTY) {
        throw new Fault("invalid_argument", "Cannot load from a terminal: use --input, or a pipe");
      }
      // What is not there is found out before a daemon is asked.
      const file = input === undefined ? undefined : await openArchive(input);
      const named = platformsOf(flags) ?? "all";
      const client = await cli.client();
      const source = file?.createReadStream({ highWaterMark: chunkBytes }) ?? process.stdin;
      // All platforms come in; unpacked are those that were named, or what this machine runs.
      const platforms = named === "all" ? [hostPlatform()] : named;
      const { snapshotter } = cli.globals;
      const load = (await isSlipwayd(client)) ? loadByDaemon : loadHere;
      const images = await naming(
        input,
        load(client, source as AsyncIterable<Buffer>, platforms, snapshotter).then(someImages),
      );
      for (const image of images) {
        for (const platform of platforms) await unpackImage(client, image, platform, snapshotter);
        process.stdout.write(quiet ? `${image.name}\n` : `Loaded image: ${image.name}\n`);
      }
    });
}

/** An index may list none. */
function someImages(images: Image[]): Image[] {
  if (images.length === 0) throw new Fault("invalid_argument", "there is no image in it");
  return images;
}

async function openArchive(path: string): Promise<FileHandle> {
  const cannot = `Cannot read archive "${path}"`;
  if (path === "") throw new Fault("invalid_argument", `${cannot}: no file is named`);
  const file = await open(path);
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw new Fault("invalid_argument", `${cannot}: it is a directory`);
}

/** Says which file it is that cannot be loaded. */
async function naming<T>(input: string | undefined, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!hasCode(error, "invalid_argument", "data_loss")) throw error;
    const what = input === undefined ? "the input" : `"${input}"`;
    throw new Fault(codeOf(error), `Cannot load ${what}: ${messageOf(error)}`, { cause: error });
  }
}

type Load = (
  client: Client,
  source: AsyncIterable<Uint8Array>,
  platforms: readonly Platform[],
  snapshotter: string,
) => Promise<Image[]>;

const loadByDaemon: Load = async (client, source, platforms, snapshotter) => {
  const { loadInDaemon } = await import("@slipway/client/load-in-daemon");
  return await loadInDaemon(client, source, {
    unpacks: platforms.map((platform) => ({ platform, snapshotter })),
    onLeftOut: (platform) => process.stderr.write(`${platform} is not in the archive\n`),
  });
};

const loadHere: Load = async (client, source) => {
  const { importImages } = await import("@slipway/images/archive/import");
  await using held = await leased(client);
  return await importImages(held.client.content, held.client.images, source);
};

async function unpackImage(
  client: Client,
  image: Image,
  platform: Platform,
  snapshotter: string,
): Promise<void> {
  let found;
  try {
    found = await readIfComplete(client, image, platform);
  } catch (error) {
    // An artifact is loaded like an image, and cannot be unpacked.
    if (!hasCode(error, "invalid_argument", "unimplemented")) throw error;
    process.stderr.write(`${image.name}: it is not unpacked: ${messageOf(error)}\n`);
    return;
  }
  if (found) await ensureUnpacked(client, snapshotter, found);
  else process.stderr.write(`${image.name}: it has nothing for this platform\n`);
}
