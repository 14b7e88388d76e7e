import { randomUUID } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Labels } from "@slipway/core/labels";
import {
  anonymousLabel,
  isAnonymous,
  isVolumeName,
  parseVolumeName,
  type Volume,
  type VolumeStore,
} from "@slipway/core/volumes";
import { Fault } from "@slipway/fault/fault";
import { isSystemError } from "@slipway/linux/system-call";
import { makeDirectories } from "@slipway/linux/make-directories";
import { type HeldLock, lockFile } from "../own-files/file-lock.ts";

/** What `volume.json` has. nerdctl's has the labels alone. */
interface VolumeFile {
  readonly Labels: Labels;
  readonly CreatedAt: string;
}

/**
 * Volumes as directories, in nerdctl's layout (its pkg/mountutil/volumestore): `NAME/_data` is mounted, `NAME/volume.json`
 * has the labels. Several processes may use them at once.
 */
export class VolumeDirectories implements VolumeStore {
  readonly #root: string;

  /** `root`: the volumes of one namespace. */
  constructor(root: string) {
    this.#root = root;
  }

  /** While this is held no volume is removed: until a new container names the volumes that it uses. */
  async lockForUse(): Promise<HeldLock> {
    return await lockFile(join(this.#root, ".lock"), "shared");
  }

  /** While this is held no container comes to use a volume. */
  async lockForRemoval(): Promise<HeldLock> {
    return await lockFile(join(this.#root, ".lock"), "alone");
  }

  async ensure(name: string, labels: Labels): Promise<Volume> {
    const directory = this.#directory(name);
    // Files of other owners are in volumes, even such that make their caller root: only root comes that far.
    makeDirectories(this.#root, 0o700);
    const data = join(directory, "_data");
    const isNew = makeDirectories(data);
    // Whatever this process's umask is, a user of the container reads it. The image may say otherwise.
    if (isNew) chmodSync(data, 0o755);
    publishVolumeFile(directory, { CreatedAt: new Date().toISOString(), Labels: labels });
    return await this.get(name);
  }

  /** As `ensure`, for a volume that somebody names: it no longer goes with the container that it was created with. */
  async ensureNamed(name: string, labels: Labels): Promise<Volume> {
    const volume = await this.ensure(name, labels);
    if (!isAnonymous(volume)) return volume;
    const { [anonymousLabel]: _, ...others } = volume.labels;
    const directory = this.#directory(name);
    const content = { CreatedAt: volume.createdAt.toISOString(), Labels: others };
    renameSync(draftVolumeFile(directory, content), join(directory, "volume.json"));
    return { ...volume, labels: others };
  }

  async get(name: string): Promise<Volume> {
    const directory = this.#directory(name);
    const mountpoint = join(directory, "_data");
    const stat = statSync(mountpoint, { throwIfNoEntry: false });
    if (!stat) throw new Fault("not_found", `no such volume: ${name}`);
    const { labels, createdAt = stat.birthtime } = readVolumeFile(join(directory, "volume.json"));
    return { name, labels, createdAt, mountpoint };
  }

  async list(): Promise<Volume[]> {
    if (!existsSync(this.#root)) return [];
    // What a removal has renamed still has its data until that is removed, too.
    const names = readdirSync(this.#root).filter(
      (name) => isVolumeName(name) && existsSync(join(this.#root, name, "_data")),
    );
    return await Promise.all(names.toSorted().map((name) => this.get(name)));
  }

  async remove(name: string): Promise<void> {
    await this.get(name);
    // Without its name it is no volume any more; what an interrupted removal leaves goes with the next one.
    renameSync(this.#directory(name), join(this.#root, `${removedPrefix}${randomUUID()}`));
    const removed = readdirSync(this.#root).filter((entry) => entry.startsWith(removedPrefix));
    for (const entry of removed) {
      await rm(join(this.#root, entry), { recursive: true, force: true, maxRetries: 3 });
    }
  }

  #directory(name: string): string {
    return join(this.#root, parseVolumeName(name));
  }
}

const removedPrefix = ".removed-";

/** Of several processes that create a volume at once the first one's file stays, and nobody reads a part of one. */
function publishVolumeFile(directory: string, content: VolumeFile): void {
  const path = join(directory, "volume.json");
  if (existsSync(path)) return;
  const draft = draftVolumeFile(directory, content);
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  } finally {
    rmSync(draft);
  }
}

function draftVolumeFile(directory: string, content: VolumeFile): string {
  const draft = join(directory, `.${randomUUID()}`);
  writeFileSync(draft, JSON.stringify(content), { flag: "wx", mode: 0o644 });
  return draft;
}

/** A volume without the file, or with one that is not readable, is listed as one without labels: its data counts. */
function readVolumeFile(path: string): { readonly labels: Labels; readonly createdAt: Date | undefined } {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "{}";
  const { Labels: labels, CreatedAt } = asObject(parseJson(text));
  const createdAt = new Date(typeof CreatedAt === "string" ? CreatedAt : Number.NaN);
  return {
    labels: Object.fromEntries(
      Object.entries(asObject(labels)).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
    createdAt: Number.isNaN(createdAt.getTime()) ? undefined : createdAt,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
