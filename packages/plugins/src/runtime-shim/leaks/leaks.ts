import type { Container } from "@slipway/core/containers";
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
import { findScopes } from "./scopes.ts";
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
      ...(await findScopes(look)),
      ...findSockets(look),
    ];
  }
}

/** A container in the metadata, if it is there. */
export async function findContainer(
  stores: MetadataStores,
  namespace: string,
  id: string,
): Promise<Container | undefined> {
  try {
    return await stores.scoped({ namespace }).containers.get(id);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
