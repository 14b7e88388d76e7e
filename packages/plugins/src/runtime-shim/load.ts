import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@slipway/core/plugin";
import type { MetadataStores } from "@slipway/core/stores";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { Bundle, type BundleFolders } from "./bundle.ts";
import { parseSpec } from "./bundle-spec.ts";
import type { DeadShims } from "./dead-shims.ts";
import type { Launcher } from "./launcher.ts";
import { shimGroup } from "./shim-group.ts";
import type { ShimTask } from "./shim-task.ts";
import type { TaskRegistry } from "./task-registry.ts";

/** Finds the tasks of an earlier daemon again by their bundles, and cleans up after those whose shim is dead. */
export class TaskLoader {
  readonly #folders: BundleFolders;
  readonly #launcher: Launcher;
  readonly #registry: TaskRegistry;
  readonly #deadShims: DeadShims;
  readonly #stores: MetadataStores;
  readonly #loadMs: number;
  readonly #log: Logger;

  constructor(options: {
    readonly folders: BundleFolders;
    readonly launcher: Launcher;
    readonly registry: TaskRegistry;
    readonly deadShims: DeadShims;
    readonly stores: MetadataStores;
    /** How long a start waits for a shim's answer, in milliseconds. */
    readonly loadMs: number;
    readonly log: Logger;
  }) {
    this.#folders = options.folders;
    this.#launcher = options.launcher;
    this.#registry = options.registry;
    this.#deadShims = options.deadShims;
    this.#stores = options.stores;
    this.#loadMs = options.loadMs;
    this.#log = options.log;
  }

  async load(): Promise<void> {
    for (const dir of [this.#folders.stateDir, this.#folders.rootDir]) removeHidden(dir);
    for (const namespace of foldersIn(this.#folders.stateDir)) {
      const ids = foldersIn(join(this.#folders.stateDir, namespace));
      await Promise.all(ids.map((id) => this.#loadOne(namespace, id)));
    }
    this.#removeWork();
  }

  async #loadOne(namespace: string, id: string): Promise<void> {
    const bundle = new Bundle(this.#folders, namespace, id);
    try {
      if (readdirSync(bundle.path).length === 0 || !(await this.#find(bundle))) bundle.delete();
    } catch (error) {
      this.#log.error("failed to load task", { namespace, id, error: messageOf(error) });
      bundle.delete();
    }
  }

  /** False when there is no task in the bundle. */
  async #find(bundle: Bundle): Promise<boolean> {
    const { namespace, id } = bundle;
    const container = await this.#stores.scoped({ namespace }).containers.get(id);
    const binary = this.#launcher.binaryOf(bundle, container.runtime.name);
    // The daemon was killed before it told a shim of the task.
    if (this.#launcher.isUntold(bundle, binary)) return false;
    try {
      const group = shimGroup(namespace, container, container.spec && parseSpec(container.spec));
      const task = await this.#launcher.findAgain(bundle, binary, group);
      const state = await this.#state(task);
      if (!state) {
        // The daemon was killed between starting the shim and creating the task.
        await task.release().catch(() => undefined);
        return false;
      }
      task.pid = state.pid;
      this.#registry.add(task);
    } catch (error) {
      this.#log.warn("cannot reach the shim of a task", { namespace, id, error: messageOf(error) });
      await this.#deadShims.cleanUp(bundle, binary, 0);
    }
    return true;
  }

  async #state({ id, namespace, bundle, shim, call: own }: ShimTask): Promise<{ pid: number } | undefined> {
    const call = { ...own, timeoutMs: this.#loadMs };
    try {
      return await shim.tasks.state({ id }, call);
    } catch (error) {
      if (hasCode(error, "not_found")) return undefined;
      const pid = hasCode(error, "deadline_exceeded") ? bundle.pid : undefined;
      if (pid !== undefined) {
        // It lives: its connection would have ended. What is given up would be killed.
        this.#log.warn("the shim of a task is slow to answer", { namespace, id });
        return { pid };
      }
      if (!hasCode(error, "unimplemented") || shim.bootstrap.version < 3) throw error;
      shim.downgrade();
      return await shim.tasks.state({ id }, call);
    }
  }

  /** After a reboot the bundles are gone, and what they linked to is not. */
  #removeWork(): void {
    const { rootDir } = this.#folders;
    for (const namespace of foldersIn(rootDir)) {
      const known = new Set(this.#registry.list(namespace).map(({ id }) => id));
      const gone = foldersIn(join(rootDir, namespace)).filter((id) => !known.has(id));
      for (const id of gone) rmSync(join(rootDir, namespace, id), { recursive: true, force: true });
    }
  }
}

/** A daemon that was killed while it removed a bundle had hidden it already. */
function removeHidden(path: string): void {
  for (const namespace of foldersIn(path)) {
    const hidden = readdirSync(join(path, namespace)).filter((name) => name.startsWith("."));
    for (const name of hidden) rmSync(join(path, namespace, name), { recursive: true, force: true });
  }
}

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
}
