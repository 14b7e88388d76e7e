import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

interface RuncState {
  readonly cgroup_paths?: Readonly<Record<string, string>>;
  readonly intel_rdt_path?: string;
  readonly rootless?: boolean;
  readonly config?: {
    readonly Hooks?: Readonly<Record<string, readonly unknown[] | null>> | null;
    readonly cgroups?: { readonly Systemd?: boolean };
  };
}

/**
 * Does what `runc delete` does with a container whose processes have all ended, without the program: its cgroups go,
 * then its state. False, with the state untouched, when this is not runc or there is more to do than that.
 * https://github.com/opencontainers/runc/blob/main/libcontainer/state_linux.go, destroy
 */
export function removeContainer(
  runtime: { readonly binary: string; readonly root: string; readonly systemdCgroup: boolean },
  id: string,
): boolean {
  if (basename(runtime.binary) !== "runc" || runtime.systemdCgroup) return false;
  const folder = join(runtime.root, id);
  try {
    const state = JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as RuncState;
    const { cgroup_paths: cgroups, intel_rdt_path: rdt, rootless, config } = state;
    const hasHooks = (config?.Hooks?.["poststop"]?.length ?? 0) > 0;
    if (!cgroups || rdt || rootless || hasHooks || config?.cgroups?.Systemd) return false;
    // Controllers that are mounted together share a path.
    for (const path of new Set(Object.values(cgroups))) removeCgroup(path);
  } catch {
    // A process that is still ending, for example: runc waits for it.
    return false;
  }
  rmSync(folder, { recursive: true, force: true });
  return true;
}

/** Only folders can be removed from a cgroup; its files go with it. */
function removeCgroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code !== "EBUSY" && code !== "ENOTEMPTY") throw error;
    const inside = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (inside.length === 0) throw error;
    for (const { name } of inside) removeCgroup(join(path, name));
    rmdirSync(path);
  }
}
