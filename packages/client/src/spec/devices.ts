import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { majorOf, minorOf } from "@slipway/linux/mknod";
import type { DeviceRuleSpec, DeviceSpec } from "@slipway/oci/runtime-spec";

/** Who may use which devices: those that every container has, and `devices`. */
export function deviceRules(devices: readonly DeviceSpec[], privileged: boolean): DeviceRuleSpec[] {
  if (privileged) return [{ allow: true, access: "rwm" }];
  return [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    // null, zero, full, random, urandom, tty, console, ptmx
    ...[
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ].map(([major = 0, minor = 0]) => character(major, minor)),
    { allow: true, type: "c", major: 136, access: "rwm" },
    ...devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: "rwm" })),
  ];
}

function character(major: number, minor: number): DeviceRuleSpec {
  return { allow: true, type: "c", major, minor, access: "rwm" };
}

/** The device at a path of the host, to be at `destination` in the container. */
export function deviceAt(path: string, destination = path): DeviceSpec {
  const { rdev, mode, uid, gid } = statSync(path);
  const type = (mode & 0o170000) === 0o060000 ? "b" : "c";
  return {
    path: destination,
    type,
    major: majorOf(rdev),
    minor: minorOf(rdev),
    fileMode: mode & 0o777,
    uid,
    gid,
  };
}

/** Every device of the host, without terminals and what the runtime makes itself. */
export function hostDevices(root = "/dev"): DeviceSpec[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    const path = join(root, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : hostDevices(path);
    const isDevice = entry.isCharacterDevice() || entry.isBlockDevice();
    return isDevice && entry.name !== "console" ? [deviceAt(path)] : [];
  });
}

const skipped = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);
