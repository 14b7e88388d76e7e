import type { FindLeaksOptions, FoundLeak, LeakFinder } from "@slipway/core/doctor";
import type { MetadataStores } from "@slipway/core/stores";
import { hasCode } from "@slipway/fault/fault";
import type { BundleFolders } from "../bundle.ts";
import type { Launcher } from "../launcher.ts";
import type { OwnShims } from "../own-shims.ts";
import type { ShimTaskManager } from "../task-manager.ts";
import type { TaskRegistry } from "../task-registry.ts";
import { findBundles, findWorkFolders } from "./bundles.ts";
import { findCgroups } from "./cgroups.ts";
import { findRuntimeContainers } from "./runtime-containers.ts";
import { findShims, findSockets } from "./shims.ts";
import { findTasks } from "./tasks.ts";

/** What the finders know. */
export interface LeakParts {
  readonly folders: BundleFolders;
  /** runc's root, without the namespace. */
  readonly runtimeRoot: string;
  readonly socketDir: string;
  readonly grpcAddress: string;
  readonly registry: TaskRegistry;
  readonly launcher: Launcher;
  readonly own: OwnShims;
  readonly stores: MetadataStores;
  readonly tasks: (namespace: string) => ShimTaskManager;
}

/** One look: finders are called one after the other, and know what is too young. */
export interface Look extends LeakParts {
  readonly namespaces: readonly string[];
  /** `changedMs`: since the epoch. */
  readonly isYoung: (changedMs: number) => boolean;
}

/** Finds what tasks have left behind: of this daemon alone, whose folders and addresses it goes by. */
export class TaskLeaks implements LeakFinder {
  readonly #parts: LeakParts;

  constructor(parts: LeakParts) {
    this.#parts = parts;
  }

  async find({ leastAgeMs }: FindLeaksOptions): Promise<FoundLeak[]> {
    const namespaces = (await this.#parts.stores.namespaces.list()).map(({ name }) => name);
    const now = Date.now();
    const isYoung = (changedMs: number): boolean => now - changedMs < leastAgeMs;
    const look: Look = { ...this.#parts, namespaces, isYoung };
    // What keeps something else busy goes first.
    return [
      ...(await findTasks(look)),
      ...findShims(look),
      ...findRuntimeContainers(look),
      ...findBundles(look),
      ...findWorkFolders(look),
      ...findCgroups(look),
      ...findSockets(look),
    ];
  }
}

/** Whether there is such a container in the metadata. */
export async function hasContainer(stores: MetadataStores, namespace: string, id: string): Promise<boolean> {
  try {
    await stores.scoped({ namespace }).containers.get(id);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found")) return false;
    throw error;
  }
}
