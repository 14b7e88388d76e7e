import { existsSync } from "node:fs";
import { containerSpec, type ContainerSpecOptions } from "@slipway/client/container-spec";
import { parseDeviceRule } from "@slipway/client/device-rules";
import { devicesAt, parseDevice } from "@slipway/client/devices";
import { Fault } from "@slipway/fault/fault";
import { readInteger } from "@slipway/fault/read-number";
import type { NamespaceKind } from "@slipway/oci/runtime-spec";
import { environmentOf } from "./environment.ts";
import type { RunFlags } from "./flags.ts";
import { keyValues } from "./key-values.ts";
import { resourcesOf } from "./resources.ts";
import { securityOptions } from "./security-options.ts";
import { rlimitsOf } from "./ulimits.ts";

/** What of a container's spec depends on flags alone, and changes nothing on this machine. */
export type FlagOptions = Omit<ContainerSpecOptions, "id" | "namespace" | "image" | "user" | "mounts">;

/**
 * Reads and checks them, so that a wrong one is refused before an image is pulled.
 * @throws {Fault} `invalid_argument`, `not_found`
 */
export function flagOptions(flags: RunFlags): FlagOptions {
  const { entrypoint, workdir, oomScoreAdj, privileged = false } = flags;
  const options: FlagOptions = {
    ...(entrypoint === undefined ? {} : { entrypoint: [entrypoint] }),
    env: environmentOf(flags.env, flags.envFile, process.env),
    ...(!workdir ? {} : { cwd: workdir }),
    terminal: flags.tty ?? false,
    ...(flags.uts === "host" ? { setsHostname: false } : {}),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj: oomScoreOf(oomScoreAdj) }),
    readOnly: flags.readOnly ?? false,
    privileged,
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    devices: flags.device.map(parseDevice).flatMap(devicesAt),
    deviceRules: flags.deviceCgroupRule.map(parseDeviceRule),
    resources: resourcesOf(flags),
    rlimits: rlimitsOf(flags.ulimit),
    ...(flags.sysctl.length > 0 ? { sysctl: sysctlOf(flags.sysctl) } : {}),
    sharedNamespaces: sharedNamespaces(flags),
    ...securityOptions(flags.securityOpt, privileged),
    ...(flags.annotation.length > 0 ? { annotations: keyValues(flags.annotation) } : {}),
    hasSharedMemory: flags.ipc !== "none",
    unifiedCgroups: flags.cgroupns === "private" || existsSync("/sys/fs/cgroup/cgroup.controllers"),
  };
  // It refuses what makes no spec; this one is for nobody.
  containerSpec({ ...options, id: "", namespace: "", args: ["true"] });
  return options;
}

function sysctlOf(pairs: readonly string[]): Record<string, string> {
  const bad = pairs.find((pair) => !pair.includes("="));
  if (bad === undefined) return keyValues(pairs);
  throw new Fault("invalid_argument", `Cannot use --sysctl "${bad}": it is not NAME=VALUE`);
}

function oomScoreOf(text: string): number {
  return readInteger("--oom-score-adj", text, { min: -1000, max: 1000 });
}

function sharedNamespaces({ network, pid, ipc, uts, cgroupns }: RunFlags): NamespaceKind[] {
  if (network !== "host" && network !== "none") {
    throw new Fault("invalid_argument", `Cannot use network "${network}": only host and none are possible`);
  }
  return [
    ...(network === "host" ? (["network"] as const) : []),
    ...(pid === "host" ? (["pid"] as const) : []),
    ...(ipc === "host" ? (["ipc"] as const) : []),
    ...(uts === "host" ? (["uts"] as const) : []),
    ...(cgroupns === "host" ? (["cgroup"] as const) : []),
  ];
}
