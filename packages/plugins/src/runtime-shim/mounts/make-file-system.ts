import { execFile } from "node:child_process";
import { closeSync, constants, ftruncateSync, renameSync, rmSync, statSync } from "node:fs";
import { promisify } from "node:util";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault, messageOf } from "@slipway/fault/fault";
import { openAt, RESOLVE } from "@slipway/linux/openat2";
import { parentBelow } from "./below.ts";

const prefix = "X-containerd.mkfs.";
const uuidFlags: Readonly<Record<string, (uuid: string) => readonly string[]>> = {
  ext2: (uuid) => ["-U", uuid],
  ext3: (uuid) => ["-U", uuid],
  ext4: (uuid) => ["-U", uuid],
  xfs: (uuid) => ["-m", `uuid=${uuid}`],
};

/**
 * `mkfs/`: makes the file system image that the mount's source names, unless it is there: `X-containerd.mkfs.size=1GiB`, `.fs=ext4`
 * (the default) and `.uuid=UUID`. It gets its name when it is complete.
 */
export async function makeFileSystem(mount: Mount, roots: readonly string[]): Promise<Mount> {
  const own = mount.options.filter((option) => option.startsWith(prefix));
  const settings = new Map(own.map((option) => pairOf(option.slice(prefix.length))));
  for (const name of settings.keys()) {
    if (!["size", "fs", "uuid"].includes(name)) throw invalid(`unknown mount option ${name}`);
  }
  const sizeBytes = parseBytes(settings.get("size") ?? "");
  const type = settings.get("fs") ?? "ext4";
  const flags = uuidFlags[type];
  if (!flags) throw invalid(`unsupported filesystem "${type}"`);
  const uuid = settings.get("uuid") ?? "";
  using parent = parentBelow(mount.source, roots, "mkfs");
  // The folder stays the one that was opened, whatever becomes of its name.
  const path = `/proc/self/fd/${parent.fd}/${parent.name}`;
  if (!statSync(path, { throwIfNoEntry: false })) {
    const open = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
    const file = openAt(parent.fd, `${parent.name}.new`, open, { mode: 0o640, resolve: RESOLVE.NO_SYMLINKS });
    try {
      ftruncateSync(file, sizeBytes);
      await format(type, [...(uuid === "" ? [] : flags(uuid))], `/proc/${process.pid}/fd/${file}`);
      renameSync(`${path}.new`, path);
    } catch (error) {
      rmSync(`${path}.new`, { force: true });
      throw new Fault("unknown", `failed format "${mount.source}": ${messageOf(error)}`, { cause: error });
    } finally {
      closeSync(file);
    }
  }
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

async function format(type: string, flags: readonly string[], path: string): Promise<void> {
  await promisify(execFile)(`mkfs.${type}`, ["-q", ...flags, path]);
}

function pairOf(option: string): [string, string] {
  const [, name = option, value = ""] = /^([^=]*)=(.*)$/.exec(option) ?? [];
  return [name, value];
}

/** As Docker's units.RAMInBytes: powers of 1,024. */
function parseBytes(text: string): number {
  if (text === "") throw invalid("mkfs requires mkfs.size option");
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) throw invalid(`bad option size: invalid size: '${text}'`);
  const [, number, unit = ""] = match;
  const bytes = Math.floor(
    Number(number) * 1024 ** ["", "k", "m", "g", "t", "p"].indexOf(unit.toLowerCase()),
  );
  if (!Number.isSafeInteger(bytes)) throw invalid(`bad option size: invalid size: '${text}'`);
  return bytes;
}

function invalid(message: string): Fault {
  return new Fault("invalid_argument", message);
}
