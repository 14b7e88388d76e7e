import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "@slipway/fault/fault";
import { lock, tryLock } from "@slipway/linux/flock";
import { isSystemError } from "@slipway/linux/system-call";
import { makeDirectories } from "@slipway/linux/make-directories";
import { VolumeDirectories } from "../volumes/volume-directories.ts";
import type { HostDirectories } from "./host-directories.ts";

/** The daemon's containers. */
interface KnownContainers {
  /** @throws {Fault} `not_found` */
  get(id: string): Promise<unknown>;
}

/**
 * The files of a container that is being created, which no container names yet. They go if their scope is left before
 * `finish`, and with the next creation if the process ends before that: a file names them, and its lock says that their
 * creator lives.
 */
export class Creation implements AsyncDisposable {
  readonly #directories: HostDirectories;
  readonly #id: string;
  readonly #fd: number;
  #isFinished = false;

  private constructor(directories: HostDirectories, id: string, fd: number) {
    this.#directories = directories;
    this.#id = id;
    this.#fd = fd;
  }

  /** Begins one, and removes what creators that ended too early have left. */
  static async begin(
    directories: HostDirectories,
    id: string,
    containers: KnownContainers,
  ): Promise<Creation> {
    makeDirectories(directories.creations, 0o700);
    await removeAbandoned(directories, containers);
    return new Creation(directories, id, await openLocked(join(directories.creations, id)));
  }

  /** The container's own directory, which is created unless it exists. */
  directory(): string {
    const path = this.#directories.container(this.#id);
    makeDirectories(path, 0o700);
    return path;
  }

  /** To be called before a volume is created that is to go with the container. */
  note(volume: string): void {
    writeSync(this.#fd, `${volume}\n`);
  }

  /** From now on the container names the files, and they go with it. */
  finish(): void {
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const path = join(this.#directories.creations, this.#id);
    if (!this.#isFinished) await removeFiles(this.#directories, this.#id, volumesIn(path));
    rmSync(path, { force: true });
    closeSync(this.#fd);
  }
}

/** Opens and locks a file that is at its path when it is locked: somebody may take it for an abandoned one until then. */
async function openLocked(path: string): Promise<number> {
  for (;;) {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
    if (!tryLock(fd)) await lock(fd);
    if (fstatSync(fd).nlink > 0) return fd;
    closeSync(fd);
  }
}

async function removeAbandoned(directories: HostDirectories, containers: KnownContainers): Promise<void> {
  for (const id of readdirSync(directories.creations)) {
    const path = join(directories.creations, id);
    const fd = openUnless(path);
    if (fd === undefined) continue;
    try {
      if (!tryLock(fd)) continue;
      if (!(await exists(containers, id))) await removeFiles(directories, id, volumesIn(path));
      rmSync(path, { force: true });
    } finally {
      closeSync(fd);
    }
  }
}

/** Undefined if its creator has removed it meanwhile. */
function openUnless(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function exists(containers: KnownContainers, id: string): Promise<boolean> {
  try {
    await containers.get(id);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found")) return false;
    throw error;
  }
}

/** The last name may be torn: nothing was created for it. */
function volumesIn(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

async function removeFiles(
  directories: HostDirectories,
  id: string,
  volumes: readonly string[],
): Promise<void> {
  const store = new VolumeDirectories(directories.volumes);
  for (const name of volumes) {
    await store.remove(name).catch((error: unknown) => {
      if (!hasCode(error, "not_found")) throw error;
    });
  }
  await rm(directories.container(id), { recursive: true, force: true });
}
