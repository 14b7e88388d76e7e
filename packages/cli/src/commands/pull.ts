import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import { canonicalName } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { readSize } from "../format/size.ts";
import { pullWithProgress, type PullWithProgressOptions } from "../images/pull-progress.ts";
import { findOrUndefined } from "../images/ensure-image.ts";
import { requirePlatforms } from "../images/require-platform.ts";
import { addPlatformsFlags, type PlatformsFlags, platformsOf } from "../images/platforms.ts";

interface PullFlags extends PlatformsFlags {
  readonly unpack: string;
  readonly quiet?: boolean;
  readonly plainHttp?: boolean;
  readonly discardBlobs?: boolean;
  readonly limitRate?: string;
  readonly verify: string;
}

export function configure(command: Command, cli: Cli): void {
  command.argument("<image>", "such as busybox, or registry.example/team/app:1.0");
  addPlatformsFlags(command)
    .option("--unpack <when>", "auto, true or false; auto: when it is one platform", "auto")
    .option("--discard-blobs", "let the layers' blobs go once they are unpacked")
    .option("--limit-rate <size>", "the most to fetch in a second, such as 500k or 10m")
    .option("--plain-http", "speak HTTP with the registry; with loopback ones that is the default")
    .option("--verify <how>", "none; image verifiers are the daemon's configuration", "none")
    .option("-q, --quiet", "print nothing but the image's name")
    .action(async (reference: string, flags: PullFlags) => {
      const { quiet = false } = flags;
      const name = canonicalName(reference);
      const options = optionsOf(flags);
      const client = await cli.client();
      if (!quiet) process.stdout.write(`Pulling ${name}\n`);
      const before = flags.platform.length > 0 ? await findOrUndefined(client, name) : undefined;
      const image = await pullWithProgress(client, name, {
        ...options,
        snapshotter: cli.globals.snapshotter,
        quiet,
        output: process.stdout,
      });
      const { target } = image;
      try {
        await requirePlatforms(
          client.content,
          image,
          flags.platform.length > 0 ? options.platforms : undefined,
        );
      } catch (error) {
        if (before) await client.images.update(before, ["target"]);
        else await client.images.delete(name);
        throw error;
      }
      process.stdout.write(quiet ? `${name}\n` : `Digest: ${target.digest}\n${name}\n`);
    });
}

type PullChoice = Omit<PullWithProgressOptions, "quiet" | "output">;

function optionsOf(flags: PullFlags): PullChoice {
  const { plainHttp, limitRate, unpack, verify, discardBlobs = false } = flags;
  if (verify !== "none") {
    throw new Fault(
      "unimplemented",
      `Cannot verify with "${verify}": configure an image verifier in the daemon`,
    );
  }
  if (!["auto", "true", "false"].includes(unpack)) {
    throw new Fault("invalid_argument", `Cannot read --unpack "${unpack}": expected auto, true or false`);
  }
  const platforms = platformsOf(flags);
  return {
    discardBlobs,
    ...(platforms === undefined ? {} : { platforms }),
    ...(unpack === "auto" ? {} : { unpack: unpack === "true" }),
    ...(limitRate === undefined ? {} : { downloadBytesPerSecond: rateOf(limitRate) }),
    ...(plainHttp === undefined ? {} : { plainHttp }),
  };
}

function rateOf(text: string): number {
  const bytes = readSize("--limit-rate", text);
  if (bytes > 0) return bytes;
  throw new Fault("invalid_argument", `Cannot read --limit-rate "${text}": nothing would be fetched`);
}
