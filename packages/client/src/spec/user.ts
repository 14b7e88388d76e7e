import { Fault } from "@slipway/fault/fault";
import { isInteger, readInteger } from "@slipway/fault/read-number";
import type { UserSpec } from "@slipway/oci/runtime-spec";
import { type GroupEntry, type PasswdEntry, readGroups, readPasswd } from "./account-files.ts";

/** What runc takes: the kernel knows twice as many. */
const idRange = { min: 0, max: 2 ** 31 - 1 };

/**
 * Who `user` is: `name`, `uid`, `name:group`, `uid:gid`, by the /etc/passwd and /etc/group of a root file system, as
 * containerd's pkg/oci/spec_opts.go (WithUser, WithAdditionalGIDs) does, and Docker: without a user it is 0, without a
 * group the user's. What is written as a number is never taken for a name, and need not be listed.
 * @throws {Fault} `not_found` for a name that is not listed; `invalid_argument` for a number out of range
 */
export function resolveUser(user: string, rootfs: string): UserSpec {
  const [who = "", group = "", ...more] = user.split(":");
  if (more.length > 0) {
    throw new Fault("invalid_argument", `Cannot use user "${user}": it is not USER[:GROUP]`);
  }
  const number = numberOf("uid", who === "" ? "0" : who);
  const given = group === "" ? undefined : numberOf("gid", group);
  const entry = readPasswd(rootfs).find(({ name, uid }) =>
    number === undefined ? name === who : isInteger(uid) && Number(uid) === number,
  );
  const groups = readGroups(rootfs);
  const uid = number ?? uidOf(who, entry);
  const gid = given ?? (group === "" ? primaryOf(entry) : gidOf(group, groups));
  return { uid, gid, additionalGids: [...new Set([gid, ...membershipsOf(entry, groups)])] };
}

/**
 * The numbers of groups, which are names or numbers as those of `resolveUser`.
 * @throws {Fault} `not_found`, `invalid_argument`
 */
export function resolveGroups(names: readonly string[], rootfs: string): number[] {
  if (names.length === 0) return [];
  const groups = readGroups(rootfs);
  return names.map((name) => numberOf("gid", name) ?? gidOf(name, groups));
}

/** Undefined for what is not written as a number. */
function numberOf(what: "uid" | "gid", text: string): number | undefined {
  return isInteger(text) ? readInteger(what, text, idRange) : undefined;
}

function uidOf(name: string, entry: PasswdEntry | undefined): number {
  if (!entry) {
    throw new Fault("not_found", `unable to find user ${name}: no matching entries in passwd file`);
  }
  return readInteger(`the uid of user "${name}" in /etc/passwd`, entry.uid, idRange);
}

function primaryOf(entry: PasswdEntry | undefined): number {
  if (!entry) return 0;
  return readInteger(`the gid of user "${entry.name}" in /etc/passwd`, entry.gid, idRange);
}

function gidOf(name: string, groups: readonly GroupEntry[]): number {
  const found = name === "" ? undefined : groups.find((group) => group.name === name);
  if (!found) {
    throw new Fault("not_found", `unable to find group ${name}: no matching entries in group file`);
  }
  return readInteger(`the gid of group "${name}" in /etc/group`, found.gid, idRange);
}

/** The groups that list the user as a member. */
function membershipsOf(entry: PasswdEntry | undefined, groups: readonly GroupEntry[]): number[] {
  if (!entry || entry.name === "") return [];
  return groups
    .filter(({ members }) => members.includes(entry.name))
    .map(({ name, gid }) => readInteger(`the gid of group "${name}" in /etc/group`, gid, idRange));
}
