import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { parseJson } from "@slipway/oci/documents/json-field";

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
    const state = parseJson("the runtime's state", readFileSync(join(folder, "state.json")));
    const cgroups = state.get("cgroup_paths");
    const config = state.get("config");
    const hasHooks =
      config
        .get("Hooks")
        .get("poststop")
        .list(() => true).length > 0;
    const isSystemd = config.get("cgroups").get("Systemd").boolean();
    const hasMore = state.get("intel_rdt_path").text() || state.get("rootless").boolean();
    if (cgroups.isMissing || hasMore || hasHooks || isSystemd) return false;
    // Controllers that are mounted together share a path.
    for (const path of new Set(Object.values(cgroups.textRecord()))) removeCgroup(path);
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
