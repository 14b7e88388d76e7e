import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";

/** A line of /etc/passwd. Its numbers are as the file has them: they are read when the line is the one that counts. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: string;
  readonly gid: string;
}

/** A line of /etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: string;
  readonly members: readonly string[];
}

/** Far more than any system has; an image must not fill this process's memory. */
const maxBytes = 16 * 1024 * 1024;

/** The users of a root file system, in the file's order; none if the file is missing. @throws {Fault} */
export function readPasswd(rootfs: string): PasswdEntry[] {
  return fieldsOf(readInside(rootfs, "etc/passwd")).map(([name = "", , uid = "", gid = ""]) => ({
    name,
    uid,
    gid,
  }));
}

/** The groups of a root file system, in the file's order; none if the file is missing. @throws {Fault} */
export function readGroups(rootfs: string): GroupEntry[] {
  return fieldsOf(readInside(rootfs, "etc/group")).map(([name = "", , gid = "", members = ""]) => ({
    name,
    gid,
    members: members.split(",").filter(Boolean),
  }));
}

function fieldsOf(text: string): string[][] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim().split(":")]));
}

/** The file's text, or none if it is missing. The tree is the image's: its symlinks must not lead outside. */
function readInside(rootfs: string, path: string): string {
  const root = openSync(rootfs, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const file = openAt(root, path, constants.O_RDONLY | constants.O_NONBLOCK, { resolve: RESOLVE.IN_ROOT });
    try {
      return readBounded(file, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return "";
    if (isSystemError(error, "ELOOP")) throw unreadable(path, "its symbolic links lead in a circle");
    if (isSystemError(error, "ENXIO", "ENODEV")) throw unreadable(path, "it is not a regular file");
    throw error;
  } finally {
    closeSync(root);
  }
}

function readBounded(file: number, path: string): string {
  const stats = fstatSync(file);
  if (stats.isDirectory()) throw unreadable(path, "it is a directory");
  // A FIFO, a device or a socket of the image: reading it may never end.
  if (!stats.isFile()) throw unreadable(path, "it is not a regular file");
  if (stats.size > maxBytes) throw unreadable(path, `it has ${stats.size} bytes, more than ${maxBytes}`);
  return readFileSync(file, "utf8");
}

function unreadable(path: string, why: string): Fault {
  return new Fault("failed_precondition", `Cannot read "/${path}" of the root file system: ${why}`);
}
