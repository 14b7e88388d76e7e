import { existsSync, globSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { run } from "./run.ts";

/** Ends the daemons, shims and containers that keep their files below `path`, by that path, which they all name. */
export async function endAllIn(path: string): Promise<void> {
  for (const pid of processesOf(path)) await endProcess(pid);
  for (const { root, id } of containersOf(path)) await run("runc", ["--root", root, "delete", "-f", id]);
}

/** What runc keeps of containers whose bundles are below `path`. */
function containersOf(path: string): { root: string; id: string }[] {
  return globSync("/run/containerd/runc/*/*/state.json").flatMap((file) => {
    const state = dirname(file);
    return readOr(file).includes(path) ? [{ root: dirname(state), id: basename(state) }] : [];
  });
}

/** Processes that have `path` in their arguments, and, before them, those that such shims look after. */
function processesOf(path: string): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const named = pids.filter((pid) => pid !== process.pid && readOr(`/proc/${pid}/cmdline`).includes(path));
  const children = pids.filter((pid) => named.includes(parentOf(pid)));
  const bundles = pids.filter(
    (pid) => readOr(`/proc/${pid}/mountinfo`).includes(`${path}/`) && isContained(pid),
  );
  return [...new Set([...named, ...children, ...bundles])].filter((pid) => pid !== process.pid);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Whether the process has a mount namespace that is not ours. */
function isContained(pid: number): boolean {
  // What is mounted differs from one look to the next.
  const own = readlinkSync("/proc/self/ns/mnt");
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) !== own;
  } catch {
    return false;
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function endProcess(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
    thaw(pid);
  } catch {
    return;
  }
  // Not our child: there is nothing to wait for but its folder in /proc.
  while (existsSync(`/proc/${pid}/status`) && !/^State:\s+Z/m.test(readOr(`/proc/${pid}/status`))) {
    await setTimeout(5);
  }
}

/** With version 1 of cgroups, what is frozen does not die. */
function thaw(pid: number): void {
  const cgroup = cgroupOf(pid);
  const freezer = cgroup.version === 1 ? cgroup.paths.get("freezer") : undefined;
  if (freezer !== undefined) writeFileSync(`${freezer}/freezer.state`, "THAWED");
}
