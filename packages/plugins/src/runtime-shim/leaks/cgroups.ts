import { readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { FoundLeak } from "@slipway/core/doctor";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { isSystemError } from "@slipway/linux/system-call";
import { namespacesOfOthers } from "./shims.ts";
import type { Look } from "./leaks.ts";
import { changedMs, foldersIn } from "./folders.ts";

/**
 * Empty cgroups at `/NAMESPACE/ID`, where clients put containers, of a namespace of ours and no task. With processes in it
 * one is another's, or belongs to something that is a leak itself; in a namespace where another daemon has tasks, one of those
 * may have ended. One finding for all hierarchies of version 1.
 */
export function findCgroups(look: Look): FoundLeak[] {
  const { registry, isYoung } = look;
  const others = namespacesOfOthers(look);
  const namespaces = look.namespaces.filter((name) => !others.has(name));
  const hierarchies = readMountInfo().filter(({ type }) => type === "cgroup" || type === "cgroup2");
  const paths = new Map<string, string[]>();
  for (const { mountPoint } of hierarchies) {
    for (const namespace of namespaces) {
      for (const id of foldersIn(join(mountPoint, namespace))) {
        const path = join(mountPoint, namespace, id);
        if (registry.has(namespace, id) || isYoung(changedMs(path))) continue;
        const key = `${namespace}/${id}`;
        paths.set(key, [...(paths.get(key) ?? []), path]);
      }
    }
  }
  return [...paths]
    .filter(([, folders]) => folders.every(isEmpty))
    .map(([key, folders]) => ({
      id: `cgroup:${key}`,
      kind: "cgroup" as const,
      namespace: key.split("/")[0] ?? "",
      where: `/${key}`,
      reason:
        folders.length === 1
          ? "no process is in it"
          : `no process is in it, in ${folders.length} hierarchies`,
      isAlive: false,
      remove: async () => folders.forEach(removeTree),
    }));
}

/** Whether no process is in a cgroup and those below it, or it is not there. */
export function isEmpty(path: string): boolean {
  try {
    return readFileSync(join(path, "cgroup.procs"), "utf8") === "" && foldersBelow(path).every(isEmpty);
  } catch (error) {
    // A threaded cgroup does not say; one that is gone is none.
    return isSystemError(error, "ENOENT");
  }
}

/** Deepest first. The kernel refuses when a process has come meanwhile. */
function removeTree(path: string): void {
  for (const below of foldersBelow(path)) removeTree(below);
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}

function foldersBelow(path: string): string[] {
  return foldersIn(path).map((name) => join(path, name));
}
