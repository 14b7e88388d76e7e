import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";
import type { UserSpec } from "@slipway/oci/runtime-spec";

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Who `user` is: `name`, `uid`, `name:group`, `uid:gid`, by the /etc/passwd and /etc/group of a root file system, as
 * containerd's pkg/oci/spec_opts.go (WithUser, WithAdditionalGIDs) does. A number need not be listed there.
 * @throws {Fault} `not_found` for a name that is not listed
 */
export function resolveUser(user: string, rootfs: string): UserSpec {
  const [who = "", group] = (user || "0").split(":");
  const entries = parsePasswd(readInside(rootfs, "etc/passwd"));
  const groups = parseGroup(readInside(rootfs, "etc/group"));
  const number = asId(who);
  const entry = entries.find(({ name, uid }) => (number === undefined ? name === who : uid === number));
  if (number === undefined && !entry)
    throw new Fault("not_found", `unable to find user ${who}: no matching entries in passwd file`);
  const uid = number ?? entry?.uid ?? 0;
  const gid = group === undefined ? (entry?.gid ?? 0) : gidOf(group, groups);
  const memberships = entry === undefined ? [] : groups.filter(({ members }) => members.includes(entry.name));
  const additionalGids = [...new Set([gid, ...memberships.map((one) => one.gid)])];
  return { uid, gid, additionalGids };
}

/** @throws {Fault} `not_found` */
export function resolveGroups(names: readonly string[], rootfs: string): number[] {
  const groups = parseGroup(readInside(rootfs, "etc/group"));
  return names.map((name) => gidOf(name, groups));
}

function gidOf(group: string, groups: readonly GroupEntry[]): number {
  const number = asId(group);
  if (number !== undefined) return number;
  const found = groups.find(({ name }) => name === group);
  if (!found)
    throw new Fault("not_found", `unable to find group ${group}: no matching entries in group file`);
  return found.gid;
}

function asId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).map(([name = "", , gid, members = ""]) => ({
    name,
    gid: Number(gid),
    members: members.split(",").filter(Boolean),
  }));
}

function fieldsOf(text: string): string[][] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim().split(":")]));
}

/** The file's text, or none when it is missing. The tree is the image's: its symlinks must not lead outside. */
function readInside(rootfs: string, path: string): string {
  const root = openSync(rootfs, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const file = openAt(root, path, constants.O_RDONLY | constants.O_NONBLOCK, { resolve: RESOLVE.IN_ROOT });
    try {
      return readFileSync(file, "utf8");
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return "";
    throw error;
  } finally {
    closeSync(root);
  }
}
