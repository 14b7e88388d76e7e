import { chmodSync, chownSync, statSync } from "node:fs";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault } from "@slipway/fault/fault";
import { readInteger } from "@slipway/fault/read-number";
import { mkdirAt } from "@slipway/linux/at";
import { isSystemError } from "@slipway/linux/system-call";
import { openAt, O_PATH, RESOLVE } from "@slipway/linux/openat2";
import { closeSync } from "node:fs";
import { parentBelow } from "./below.ts";

const prefix = "X-containerd.mkdir.";

/** `mkdir/`: makes the folders that options ask for: `X-containerd.mkdir.path=PATH[:MODE[:UID:GID]]`. */
export function makeFolders(mount: Mount, roots: readonly string[]): Mount {
  for (const option of mount.options) {
    if (option.startsWith(prefix)) makeFolder(option, roots);
  }
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

/** The largest one is -1 for chown(2), which then changes nothing. */
const ids = { min: 0, max: 2 ** 32 - 2 };

function makeFolder(option: string, roots: readonly string[]): void {
  const match = /^path=([^:]+)(?::(0?[0-7]{1,3})(?::(\d+):(\d+))?)?$/.exec(option.slice(prefix.length));
  if (!match) throw new Fault("invalid_argument", `invalid mkdir option "${option}"`);
  const [, path = "", mode = "700", uid = "0", gid = "0"] = match;
  const owner = { uid: readInteger("uid of mkdir", uid, ids), gid: readInteger("gid of mkdir", gid, ids) };
  using parent = parentBelow(path, roots, "mkdir");
  try {
    mkdirAt(parent.fd, parent.name, 0o700);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
  const fd = openAt(parent.fd, parent.name, O_PATH, { resolve: RESOLVE.NO_SYMLINKS });
  try {
    // An O_PATH descriptor can be changed by its name in /proc alone.
    const own = `/proc/self/fd/${fd}`;
    if (!statSync(own).isDirectory()) throw new Fault("failed_precondition", `"${path}" is no directory`);
    chownSync(own, owner.uid, owner.gid);
    chmodSync(own, Number.parseInt(mode, 8));
  } finally {
    closeSync(fd);
  }
}
