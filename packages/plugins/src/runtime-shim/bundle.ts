import {
  chmodSync,
  chownSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Any } from "@slipway/core/any";
import { validateIdentifier } from "@slipway/core/identifiers";
import { Fault, messageOf } from "@slipway/fault/fault";
import { unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { isSystemError } from "@slipway/linux/system-call";

/** Where bundles are: containerd's STATE and ROOT of the runtime plugin. */
export interface BundleFolders {
  /** Does not survive reboots. */
  readonly stateDir: string;
  /** For what a runtime wants to keep: the `work` link in a bundle leads there. */
  readonly rootDir: string;
}

/**
 * The folder of one task, as containerd lays it out: config.json, rootfs, work, and what its shim keeps there.
 * Files in a bundle are few and in memory (/run), so that the calls are synchronous: a pass through libuv's threads
 * costs more than they do (bench/run.ts).
 */
export class Bundle {
  readonly namespace: string;
  readonly id: string;
  readonly path: string;

  constructor(folders: Pick<BundleFolders, "stateDir">, namespace: string, id: string) {
    this.namespace = namespace;
    this.id = id;
    this.path = join(folders.stateDir, namespace, id);
  }

  /** Makes the folder. What a task of that name left behind, which nobody knows any more, goes first. */
  static create(folders: BundleFolders, namespace: string, id: string, spec: Any | undefined): Bundle {
    try {
      validateIdentifier(id);
    } catch (error) {
      throw new Fault("invalid_argument", `invalid task id ${id}: ${messageOf(error)}`, { cause: error });
    }
    const bundle = new Bundle(folders, namespace, id);
    const work = join(folders.rootDir, namespace, id);
    bundle.delete();
    mkdirSync(dirname(bundle.path), { recursive: true, mode: 0o711 });
    mkdirSync(dirname(work), { recursive: true, mode: 0o711 });
    rmSync(work, { recursive: true, force: true });
    try {
      mkdirSync(bundle.path, { mode: 0o700 });
      if (spec) admitMappedGroup(bundle.path, spec);
      mkdirSync(join(bundle.path, "rootfs"), { mode: 0o711 });
      mkdirSync(work, { mode: 0o711 });
      symlinkSync(work, join(bundle.path, "work"));
      if (spec) writeFileSync(join(bundle.path, "config.json"), spec.value);
    } catch (error) {
      bundle.delete();
      throw error;
    }
    return bundle;
  }

  write(name: string, text: string): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /**
   * Unmounts what is on the root file system and removes the folder, at once for those who look. Nothing is removed
   * while something is mounted: it would be removed from there.
   */
  delete(): void {
    const rootfs = join(this.path, "rootfs");
    let work: string;
    try {
      work = readlinkSync(join(this.path, "work"));
    } catch {
      work = "";
    }
    unmountAll(rootfs, MNT.DETACH);
    try {
      rmdirSync(rootfs);
    } catch (error) {
      if (isSystemError(error, "EBUSY", "ENOTEMPTY")) unmountBelow(rootfs);
      else if (!isSystemError(error, "ENOENT")) throw error;
      if (!isSystemError(error, "ENOENT")) rmdirSync(rootfs);
    }
    removeAtOnce(this.path);
    if (work !== "") removeAtOnce(work);
  }
}

function unmountBelow(root: string): void {
  const inside = readMountInfo().filter(({ mountPoint }) => `${mountPoint}/`.startsWith(`${root}/`));
  for (const { mountPoint } of inside.toReversed()) unmountAll(mountPoint, MNT.DETACH);
}

function removeAtOnce(path: string): void {
  const hidden = join(dirname(path), `.${basename(path)}`);
  try {
    rmSync(hidden, { recursive: true, force: true });
    renameSync(path, hidden);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  rmSync(hidden, { recursive: true, force: true });
}

/** With a user namespace, its root group must be able to pass through the bundle. */
function admitMappedGroup(path: string, spec: Any): void {
  const { linux } = JSON.parse(Buffer.from(spec.value).toString()) as {
    linux?: { gidMappings?: readonly { containerID: number; hostID: number }[] };
  };
  const gid = linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
  if (gid === 0) return;
  chownSync(path, -1, gid);
  chmodSync(path, 0o710);
}
