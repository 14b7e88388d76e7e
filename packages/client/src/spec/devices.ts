import { type Dirent, readdirSync, type Stats, statSync } from "node:fs";
import { join, posix } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { isSystemError } from "@slipway/linux/system-call";
import { majorOf, minorOf } from "@slipway/linux/mknod";
import type { DeviceSpec } from "@slipway/oci/runtime-spec";
import { type DeviceAccess, readAccess } from "./device-rules.ts";

/** A device node that a container gets. */
export interface ContainerDevice extends DeviceSpec {
  /** What the container may do with it: everything (`rwm`) by default. */
  readonly access?: DeviceAccess;
}

/** Devices of this machine that a container is to have. */
export interface DeviceRequest {
  /** A device, or a directory of devices. */
  readonly path: string;
  /** Where the container has it; the same by default. */
  readonly destination?: string;
  readonly access?: DeviceAccess;
}

/**
 * Reads `PATH[:DESTINATION][:RIGHTS]`, as Docker and nerdctl have it: of two parts, the second is a path if it has a
 * slash.
 * @throws {Fault} `invalid_argument`
 */
export function parseDevice(text: string): DeviceRequest {
  const [path = "", ...more] = text.split(":");
  const [first, second] = more;
  if (more.length > 2) throw refused(text, "it is not PATH[:DESTINATION][:RIGHTS]");
  if (!posix.isAbsolute(path)) throw refused(text, `"${path}" is not an absolute path`);
  const hasDestination = second !== undefined || first?.includes("/");
  const destination = hasDestination ? first : undefined;
  if (destination !== undefined && !posix.isAbsolute(destination)) {
    throw refused(text, `"${destination}" is not an absolute path`);
  }
  const access = hasDestination ? second : first;
  return {
    path,
    ...(destination === undefined ? {} : { destination }),
    ...(access === undefined ? {} : { access: readAccess(`device "${text}"`, access) }),
  };
}

/**
 * The nodes that a request means: the device itself, also by way of a symbolic link, or all that are below a directory.
 * Links in the directory are left out, and what the runtime makes itself: containerd's pkg/oci/utils_unix.go.
 * @throws {Fault} `not_found` if there is nothing; `invalid_argument` for what is no device, and has none below
 */
export function devicesAt({ path, destination = path, access }: DeviceRequest): ContainerDevice[] {
  const place = posix.normalize(destination);
  const stats = statusOf(path);
  if (!stats) throw new Fault("not_found", `Cannot use device "${path}": there is no such file`);
  const nodes = stats.isDirectory() ? nodesBelow(path, place) : [nodeOf(place, stats)];
  const devices = nodes.filter((node) => node !== undefined);
  if (devices.length > 0) return devices.map((node) => (access === undefined ? node : { ...node, access }));
  throw refused(path, stats.isDirectory() ? "the directory has no devices" : "it is not a device");
}

/** Every device of this machine, but for terminals and what the runtime makes itself. */
export function hostDevices(): ContainerDevice[] {
  return nodesBelow("/dev", "/dev");
}

/** Without those of which a later one has the same place. */
export function lastAtEachPlace(devices: readonly ContainerDevice[]): ContainerDevice[] {
  return [...new Map(devices.map((device) => [device.path, device])).values()];
}

function nodesBelow(directory: string, destination: string): DeviceSpec[] {
  return entriesOf(directory).flatMap((entry) => {
    const [path, place] = [join(directory, entry.name), posix.join(destination, entry.name)];
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : nodesBelow(path, place);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    // A device may be gone by now: what is plugged in comes and goes.
    const stats = entry.name === "console" ? undefined : statusOf(path);
    const node = stats && nodeOf(place, stats);
    return node ? [node] : [];
  });
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return isSystemError(error, "ENOENT", "ENOTDIR", "ENXIO");
}

/** Undefined for what is no device. */
function nodeOf(path: string, stats: Stats): DeviceSpec | undefined {
  if (!stats.isBlockDevice() && !stats.isCharacterDevice()) return undefined;
  const { rdev, mode, uid, gid } = stats;
  const type = stats.isBlockDevice() ? "b" : "c";
  return { path, type, major: majorOf(rdev), minor: minorOf(rdev), fileMode: mode & 0o777, uid, gid };
}

function refused(device: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot use device "${device}": ${why}`);
}

const skipped = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);
