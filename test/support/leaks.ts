import { readdirSync, readFileSync } from "node:fs";

/** What a test run may leave behind: everything outside of its folder that it could have made. */
export interface Belongings {
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
}

/** What there is now of the run that keeps its files in `folder`; cgroups are those of the whole machine. */
export function belongings(folder: string): Belongings {
  return { mounts: mounts(folder), processes: processes(folder), cgroups: cgroups() };
}

/** What is in `after` and was not in `before`, a line each. */
export function leaks(before: Belongings, after: Belongings): string[] {
  return (["mounts", "processes", "cgroups"] as const).flatMap((kind) =>
    after[kind].filter((item) => !before[kind].includes(item)).map((item) => `${kind}: ${item}`),
  );
}

/** Mounts below the folder, and network namespaces that are kept by a mount. */
function mounts(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.split(" ")[4]?.startsWith(folder) === true || line.includes(" - nsfs "));
}

/** Processes that name the folder in their arguments or their environment. */
function processes(folder: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      if (command.includes(folder) || environment.includes(folder)) found.push(`${pid} ${command}`);
    } catch {
      // It ended.
    }
  }
  return found;
}

/** Of every hierarchy, the second level: containers are in `/NAMESPACE/ID`, and runc leaves the first one there. */
function cgroups(): string[] {
  const hierarchies = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
  return hierarchies.flatMap((path) => foldersIn(path).flatMap(foldersIn));
}

function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}
