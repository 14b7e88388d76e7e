import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { validateIdentifier } from "@slipway/core/identifiers";
import { Fault, messageOf, namingPlace } from "@slipway/fault/fault";
import { unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { isSystemError } from "@slipway/linux/system-call";
import type { BundleSpec } from "./bundle-spec.ts";

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
  static create(folders: BundleFolders, namespace: string, id: string, spec: BundleSpec | undefined): Bundle {
    try {
      validateIdentifier(id);
    } catch (error) {
      throw new Fault("invalid_argument", `invalid task id ${id}: ${messageOf(error)}`, { cause: error });
    }
    const bundle = new Bundle(folders, namespace, id);
    const work = join(folders.rootDir, namespace, id);
    makeFolder(bundle.path, 0o700, () => bundle.delete());
    try {
      if (spec && spec.rootGid !== 0) {
        // With a user namespace, its root group must be able to pass through the bundle.
        chownSync(bundle.path, -1, spec.rootGid);
        chmodSync(bundle.path, 0o710);
      }
      mkdirSync(join(bundle.path, "rootfs"), { mode: 0o711 });
      makeFolder(work, 0o711, () => rmSync(work, { recursive: true }));
      symlinkSync(work, join(bundle.path, "work"));
      if (spec) writeFileSync(join(bundle.path, "config.json"), spec.json);
    } catch (error) {
      bundle.delete();
      throw namingPlace(bundle.path, error);
    }
    return bundle;
  }

  /** Where the daemon mounts what the root file system is made of, if that is for it to do. */
  get mounts(): string {
    return join(this.path, "mounts");
  }

  /** When something was made or removed in it, since the epoch; now when it is gone. */
  get changedMs(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.ctimeMs ?? Date.now();
  }

  /** Of the first process, which the runtime wrote when it had created it. */
  get pid(): number | undefined {
    try {
      return Number(readFileSync(join(this.path, "init.pid"), "utf8"));
    } catch {
      return undefined;
    }
  }

  write(name: string, text: string): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** A new folder where there is room, on a disk. Leaving its scope removes it, and so does `delete`. */
  async workFolder(prefix: string): Promise<AsyncDisposable & { readonly path: string }> {
    const path = await mkdtemp(join(this.path, "work", prefix));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
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
    if (existsSync(this.mounts)) unmountBelow(this.mounts);
    try {
      rmdirSync(rootfs);
    } catch (error) {
      if (isSystemError(error, "EBUSY", "ENOTEMPTY")) unmountBelow(rootfs);
      else if (!isSystemError(error, "ENOENT")) throw error;
      removeUnmounted(rootfs);
    }
    removeAtOnce(this.path);
    if (work !== "") removeWork(work);
  }
}

function unmountBelow(root: string): void {
  const inside = readMountInfo().filter(({ mountPoint }) => `${mountPoint}/`.startsWith(`${root}/`));
  for (const { mountPoint } of inside.toReversed()) unmountAll(mountPoint, MNT.DETACH);
}

/** A runtime makes directories such as /dev where nothing was mounted. */
function removeUnmounted(root: string): void {
  if (readMountInfo().some(({ mountPoint }) => `${mountPoint}/`.startsWith(`${root}/`)))
    throw new Fault("failed_precondition", `Cannot remove "${root}": something is still mounted there`);
  rmSync(root, { recursive: true, force: true });
}

/** It is on a disk, and nearly always empty. */
function removeWork(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (isSystemError(error, "ENOTEMPTY", "EEXIST")) removeAtOnce(path);
    else if (!isSystemError(error, "ENOENT")) throw error;
  }
}

function removeAtOnce(path: string): void {
  const hidden = join(dirname(path), `.${basename(path)}`);
  try {
    rename(path, hidden);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  rmSync(hidden, { recursive: true, force: true });
}

function rename(path: string, hidden: string): void {
  try {
    renameSync(path, hidden);
  } catch (error) {
    if (!isSystemError(error, "ENOTEMPTY", "EEXIST")) throw error;
    // A daemon was killed while it removed the one before.
    rmSync(hidden, { recursive: true, force: true });
    renameSync(path, hidden);
  }
}

/** Makes a folder, and those above it when they are not there; `clear` removes one that an earlier task left. */
function makeFolder(path: string, mode: number, clear: () => void): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isSystemError(error, "EEXIST")) clear();
    else if (isSystemError(error, "ENOENT")) mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    else throw error;
    mkdirSync(path, { mode });
  }
}
