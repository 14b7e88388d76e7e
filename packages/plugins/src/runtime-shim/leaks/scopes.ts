import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Container } from "@slipway/core/containers";
import type { FoundLeak } from "@slipway/core/doctor";
import { specFieldOf } from "@slipway/client/spec-any";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { isEmpty } from "./cgroups.ts";
import type { Look } from "./leaks.ts";

/** Units that are asked for at once: all are named on a command line. */
const AT_ONCE = 500;
const SYSTEMCTL_MS = 10_000;

/**
 * systemd's scopes of containers that have no task. An empty one goes by itself, unless it failed, which it does when the kernel
 * killed something in it for want of memory, or unless nobody tells systemd, as with version 1 of cgroups.
 */
export async function findScopes(look: Look): Promise<FoundLeak[]> {
  // sd_booted(3)
  if (!existsSync("/run/systemd/system")) return [];
  const owners = await scopesWithoutTask(look);
  const units = await unitsOf([...owners.keys()]);
  return units.flatMap((unit): FoundLeak[] => {
    const reason = reasonToRemove(unit);
    if (reason === undefined || look.isYoung(unit.changedMs)) return [];
    return [
      {
        id: `cgroup:${unit.name}`,
        kind: "cgroup",
        namespace: owners.get(unit.name) ?? "",
        where: unit.name,
        reason,
        isAlive: false,
        remove: async () => await removeUnit(unit.name),
      },
    ];
  });
}

/** By name, with the namespace of the container. */
async function scopesWithoutTask({ namespaces, stores, registry }: Look): Promise<Map<string, string>> {
  const scopes = new Map<string, string>();
  for (const namespace of namespaces) {
    for (const container of await stores.scoped({ namespace }).containers.list()) {
      const scope = registry.has(namespace, container.id) ? undefined : scopeOf(container);
      if (scope !== undefined) scopes.set(scope, namespace);
    }
  }
  return scopes;
}

/** A runtime makes `PREFIX-NAME.scope` of a cgroup that is named as `SLICE:PREFIX:NAME`. */
function scopeOf(container: Container): string | undefined {
  const [, prefix, name] = /^[^:/]*:([^:/]+):([^:/]+)$/.exec(cgroupsPathOf(container)) ?? [];
  return name === undefined || name.endsWith(".slice") ? undefined : `${prefix}-${name}.scope`;
}

/** Empty for a container whose spec cannot be read: it is no leak. */
function cgroupsPathOf(container: Container): string {
  try {
    return specFieldOf(container).get("linux").get("cgroupsPath").text() ?? "";
  } catch (error) {
    if (hasCode(error, "invalid_argument", "failed_precondition")) return "";
    throw error;
  }
}

interface Unit {
  readonly name: string;
  /** `active`, `failed` ... */
  readonly state: string;
  /** From the root of its hierarchy; empty without one. */
  readonly cgroup: string;
  /** Since the epoch. */
  readonly changedMs: number;
}

/** Those of the named units that systemd knows. */
async function unitsOf(names: readonly string[]): Promise<Unit[]> {
  const units: Unit[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const properties = "--property=Id,LoadState,ActiveState,ControlGroup,StateChangeTimestamp";
    const asked = names.slice(at, at + AT_ONCE);
    const text = await systemctl("show", "--timestamp=unix", properties, "--", ...asked);
    units.push(...text.split("\n\n").flatMap(parseUnit));
  }
  return units;
}

function parseUnit(block: string): Unit[] {
  const values = new Map(block.split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  const value = (key: string): string => values.get(key) ?? "";
  if (value("LoadState") !== "loaded") return [];
  const changedMs = Number(value("StateChangeTimestamp").replace("@", "")) * 1000;
  return [{ name: value("Id"), state: value("ActiveState"), cgroup: value("ControlGroup"), changedMs }];
}

function reasonToRemove({ state, cgroup }: Unit): string | undefined {
  if (state === "failed") return "systemd keeps it because it failed";
  const isUsed = hierarchies().some((path) => !isEmpty(join(path, cgroup)));
  return state === "active" && cgroup !== "" && !isUsed ? "no process is in it" : undefined;
}

function hierarchies(): string[] {
  const mounts = readMountInfo().filter(({ type }) => type === "cgroup" || type === "cgroup2");
  return mounts.map(({ mountPoint }) => mountPoint);
}

async function removeUnit(name: string): Promise<void> {
  await systemctl("stop", "--", name);
  // It is gone already, unless it failed.
  await systemctl("reset-failed", "--", name).catch(() => undefined);
}

async function systemctl(...args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)("systemctl", args, { timeout: SYSTEMCTL_MS })).stdout;
  } catch (error) {
    throw new Fault("unknown", `Cannot ask systemd to ${args[0]}: ${messageOf(error)}`, { cause: error });
  }
}
