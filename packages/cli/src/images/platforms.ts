import type { Command } from "commander";
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

/** Nothing when nothing was said. */
export function platformsOf({
  platform,
  allPlatforms = false,
}: PlatformsFlags): readonly Platform[] | "all" | undefined {
  if (allPlatforms) return "all";
  return platform.length > 0 ? platform.map(parsePlatform) : undefined;
}
