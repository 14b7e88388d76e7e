import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readMountInfo } from "../mountinfo.ts";

/** Where a process's cgroup lies: one directory in version 2, one a controller in version 1. */
export type Cgroup =
  | { readonly version: 2; readonly path: string }
  | { readonly version: 1; readonly paths: ReadonlyMap<string, string> };

let hierarchies: { unified?: string; controllers: Map<string, string> } | undefined;

/** The cgroup of process `pid`. A machine with both versions mounted counts as version 1, as it does for runc. */
export function cgroupOf(pid: number): Cgroup {
  const mounted = (hierarchies ??= findHierarchies());
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const paths = new Map<string, string>();
  for (const line of lines) {
    const [, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (controllers === "" && mounted.controllers.size === 0 && mounted.unified !== undefined) {
      return { version: 2, path: join(mounted.unified, path) };
    }
    for (const controller of controllers.split(",")) {
      const root = mounted.controllers.get(controller);
      if (root !== undefined) paths.set(controller, join(root, path));
    }
  }
  return { version: 1, paths };
}

/** Where the hierarchies are mounted: the one of version 2, or those of version 1 that have controllers. */
export function cgroupRoots(): string[] {
  const { unified, controllers } = (hierarchies ??= findHierarchies());
  if (controllers.size === 0) return unified === undefined ? [] : [unified];
  return [...new Set(controllers.values())];
}

/** Whether the machine has control groups of version 2 alone. */
export function hasOneHierarchy(): boolean {
  return (hierarchies ??= findHierarchies()).controllers.size === 0;
}

/** All processes in the cgroup and in those below it. */
export function cgroupPids(cgroup: Cgroup): number[] {
  const directory =
    cgroup.version === 2 ? cgroup.path : (cgroup.paths.get("devices") ?? [...cgroup.paths.values()][0]);
  return directory === undefined ? [] : pidsBelow(directory);
}

function pidsBelow(directory: string): number[] {
  const own = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap(({ name }) => pidsBelow(join(directory, name)))];
}

function findHierarchies(): { unified?: string; controllers: Map<string, string> } {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const { type, mountPoint, superOptions } of readMountInfo()) {
    if (type === "cgroup2") unified ??= mountPoint;
    if (type !== "cgroup") continue;
    for (const option of superOptions) if (!controllers.has(option)) controllers.set(option, mountPoint);
  }
  for (const option of ["rw", "ro", "xattr"]) controllers.delete(option);
  return unified === undefined ? { controllers } : { unified, controllers };
}
