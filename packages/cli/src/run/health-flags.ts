import { readDuration } from "@slipway/core/config/duration";
import { healthLabel } from "@slipway/core/health";
import type { HealthcheckConfig } from "@slipway/oci/image";
import { fitsLabel, type Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import type { ImageConfig } from "@slipway/oci/image";
import { integerIn } from "@slipway/fault/read-number";
import type { Command } from "commander";

const int32 = { min: 0, max: 2 ** 31 - 1 };

/** How a new container's health is checked. */
export interface HealthFlags {
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthRetries?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  readonly healthOnFailure?: string;
  /** False after --no-healthcheck. */
  readonly healthcheck: boolean;
}

export function addHealthFlags(command: Command): Command {
  return command
    .option("--health-cmd <line>", "a shell line that ends with 0 while the container is healthy")
    .option("--health-interval <duration>", "between two checks, such as 1m30s (30s)")
    .option("--health-timeout <duration>", "a check that takes longer has failed (30s)")
    .option("--health-retries <count>", "so many failures one after the other make it unhealthy (3)")
    .option("--health-start-period <duration>", "after its start, while failures do not count (0s)")
    .option("--health-start-interval <duration>", "between two checks in the start period (5s)")
    .option("--health-on-failure <action>", "none, or kill, so that the restart policy applies (none)")
    .option("--no-healthcheck", "do not check, also when the image says how");
}

/** The labels that say how: nerdctl's. The image's configuration is what the flags change. @throws {Fault} `invalid_argument` */
export function healthLabels(flags: HealthFlags, image: ImageConfig | undefined): Labels {
  if (!flags.healthcheck) {
    if (flags.healthCmd !== undefined) throw refused("--no-healthcheck", "it excludes --health-cmd");
    return image?.config?.Healthcheck ? { [healthLabel.check]: JSON.stringify({ Test: ["NONE"] }) } : {};
  }
  const { healthOnFailure: onFailure = "none", healthRetries: retries } = flags;
  if (onFailure !== "none" && onFailure !== "kill") {
    throw refused("--health-on-failure", `"${onFailure}" is neither none nor kill`);
  }
  if (retries !== undefined && integerIn(retries, int32) === undefined) {
    throw refused("--health-retries", `"${retries}" is not a whole number from 0 to ${int32.max}`);
  }
  const config: HealthcheckConfig = {
    ...image?.config?.Healthcheck,
    ...(flags.healthCmd === undefined ? {} : { Test: ["CMD-SHELL", flags.healthCmd] }),
    ...nanoseconds("Interval", "--health-interval", flags.healthInterval),
    ...nanoseconds("Timeout", "--health-timeout", flags.healthTimeout),
    ...nanoseconds("StartPeriod", "--health-start-period", flags.healthStartPeriod),
    ...nanoseconds("StartInterval", "--health-start-interval", flags.healthStartInterval),
    ...(retries === undefined ? {} : { Retries: Number(retries) }),
  };
  if (Object.keys(config).length === 0) return {};
  if (flags.healthCmd === undefined && !fitsLabel(healthLabel.check, JSON.stringify(config))) {
    process.stderr.write("slipway: the image's health check is too long for a label: it is not made\n");
    return {};
  }
  return {
    [healthLabel.check]: JSON.stringify(config),
    ...(onFailure === "none" ? {} : { [healthLabel.onFailure]: onFailure }),
  };
}

function nanoseconds(name: string, flag: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  const milliseconds = readDuration(flag, text);
  if (milliseconds !== 0 && milliseconds < 1) throw refused(flag, `"${text}" is less than a millisecond`);
  return { [name]: milliseconds * 1e6 };
}

function refused(flag: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot use ${flag}: ${why}`);
}
