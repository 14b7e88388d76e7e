import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupRoots } from "./cgroup.ts";

/**
 * Puts a process into the cgroup of that path, in every hierarchy that has it.
 * @throws when none has
 */
export function joinCgroup(path: string, pid: number): void {
  const folders = cgroupRoots()
    .map((root) => join(root, path))
    .filter((folder) => existsSync(folder));
  if (folders.length === 0) throw new Error(`failed to load cgroup ${path}: it does not exist`);
  for (const folder of folders) writeFileSync(join(folder, "cgroup.procs"), String(pid));
}
