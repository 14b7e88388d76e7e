import type { MountSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";

/** What every container in the host's network has from it. */
const ownMounts = new Set(["/etc/resolv.conf", "/etc/hosts"]);

/** What the user has mounted from this machine. */
export function bindMountsOf({ mounts }: Pick<RuntimeSpec, "mounts">): MountSpec[] {
  return mounts.filter(
    ({ type, source, destination }) =>
      type === "bind" && !(source === destination && ownMounts.has(destination)),
  );
}
