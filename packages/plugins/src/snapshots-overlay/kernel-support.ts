import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";

/**
 * The options that every overlay mount needs on this kernel, as containerd finds them.
 * @param given those of the configuration, which go first and win
 */
export function overlayOptions(given: readonly string[]): string[] {
  const has = (key: string): boolean => given.some((option) => option.split("=", 1)[0] === key);
  return [
    ...given,
    ...(!has("userxattr") && isInUserNamespace() ? ["userxattr"] : []),
    ...(!has("index") && existsSync("/sys/module/overlay/parameters/index") ? ["index=off"] : []),
  ];
}

/** True when root here is not root of the machine. */
export function isInUserNamespace(): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** Removes what was left by tries, of overlays and of layer images, during which the daemon was killed. */
export async function removeTries(root: string): Promise<void> {
  const folders = readdirSync(root).filter((name) => name.startsWith(tryPrefix));
  if (folders.length === 0) return;
  const [{ unmountAll }, { MNT }, { readMountInfo }] = await Promise.all([
    import("@slipway/linux/mount"),
    import("@slipway/linux/mount-flags"),
    import("@slipway/linux/mountinfo"),
  ]);
  // What was mounted last is upon the others.
  const points = readMountInfo().map(({ mountPoint }) => mountPoint);
  for (const point of points.toReversed()) {
    if (folders.some((name) => point.startsWith(`${join(root, name)}/`))) unmountAll(point, MNT.DETACH);
  }
  for (const name of folders) rmSync(join(root, name), { recursive: true });
}

/** Of folders that something is tried in. */
export const tryPrefix = "check-";

/** Tries whether overlays of several layers work below `root`. @throws {Fault} `failed_precondition` */
export async function checkOverlay(root: string): Promise<void> {
  const { mount, unmountAll } = await import("@slipway/linux/mount");
  const folder = mkdtempSync(join(root, tryPrefix));
  const at = (name: string): string => join(folder, name);
  try {
    for (const name of ["lower1", "lower2", "upper", "work", "merged"]) mkdirSync(at(name));
    const lower = `lowerdir=${at("lower2")}:${at("lower1")}`;
    const options = [lower, `upperdir=${at("upper")}`, `workdir=${at("work")}`, ...overlayOptions([])];
    const tryWith = (...more: readonly string[]): void =>
      mount({ type: "overlay", source: "overlay", options: [...options, ...more] }, at("merged"));
    try {
      // Else its unmounting writes out all that the disk below has not yet. Kernels before 5.10 do not know it.
      tryWith("volatile");
    } catch {
      tryWith();
    }
    unmountAll(at("merged"));
  } catch (error) {
    throw new Fault("failed_precondition", `Cannot mount overlays below ${root}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
