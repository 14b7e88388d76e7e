import { realpathSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { type MountInfo, readMountInfo } from "@slipway/linux/mountinfo";

/**
 * Refuses a mount that is to share what is mounted below it with a source that does not: the kernel would accept it, and
 * nothing would be shared. As Docker does.
 * @throws {Fault} `failed_precondition`
 */
export function requirePropagation(
  source: string,
  options: readonly string[],
  mounts: () => readonly MountInfo[] = readMountInfo,
): void {
  const wanted = options.find((option) => /^r?(?:shared|slave)$/.test(option));
  if (wanted === undefined) return;
  const { mountPoint, propagation } = mountOf(realpathSync(source), mounts());
  const isShared = propagation.some((word) => word.startsWith("shared:"));
  const isSlave = propagation.some((word) => word.startsWith("master:"));
  if (isShared || (wanted.endsWith("slave") && isSlave)) return;
  const why = `"${mountPoint}", which it is on, is not mounted as shared`;
  throw new Fault("failed_precondition", `Cannot mount "${source}" as ${wanted}: ${why}`);
}

function mountOf(path: string, mounts: readonly MountInfo[]): Pick<MountInfo, "mountPoint" | "propagation"> {
  const above = mounts.filter(({ mountPoint }) =>
    `${path}/`.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`),
  );
  // Of several at one place the last one is on top.
  return above.reduce<Pick<MountInfo, "mountPoint" | "propagation">>(
    (best, mount) => (mount.mountPoint.length >= best.mountPoint.length ? mount : best),
    { mountPoint: "", propagation: [] },
  );
}
