import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import { parsePlatform, type Platform } from "@slipway/oci/platform";

export interface PlatformsFlags {
  readonly platform: readonly string[];
  readonly allPlatforms?: boolean;
}

/** nerdctl's flags for which platforms of an image are meant. */
export function addPlatformsFlags(command: Command): Command {
  return command
    .option(
      "--platform <os/architecture>",
      "one of the image's platforms; may be given several times",
      (value: string, before: readonly string[]) => [...before, ...value.split(",")],
      [],
    )
    .option("--all-platforms", "all of the image's platforms");
}

/** The platform that a flag names. @throws {Fault} `invalid_argument` */
export function readPlatform(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (error) {
    const why = "it is not OS/ARCHITECTURE[/VARIANT]";
    throw new Fault("invalid_argument", `Cannot use --platform "${text}": ${why}`, { cause: error });
  }
}

/** Nothing when nothing was said. */
export function platformsOf({
  platform,
  allPlatforms = false,
}: PlatformsFlags): readonly Platform[] | "all" | undefined {
  if (allPlatforms) return "all";
  return platform.length > 0 ? platform.map(readPlatform) : undefined;
}
