import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Any } from "@slipway/core/any";
import { hasCode } from "@slipway/fault/fault";
import { type Bootstrap, readBootstrap, writeBootstrap } from "./bootstrap.ts";
import type { Bundle } from "./bundle.ts";
import type { RuntimeConfig } from "./config.ts";
import type { OwnShims } from "./own-shims.ts";
import { findShimBinary, ShimBinary, type ShimEnvironment } from "./shim-binary.ts";
import { ShimConnection } from "./shim-connection.ts";
import type { ShimGroup } from "./shim-group.ts";
import { ShimLog } from "./shim-log.ts";
import type { ShimLinks } from "./shim-links.ts";
import { ShimTask } from "./shim-task.ts";

/** Runtimes that our own shim serves unless the configuration gives them to another. */
const ownRuntimes = new Set(["io.containerd.runc.v2", "io.containerd.slipway.v1"]);
const BINARY_FILE = "shim-binary-path";

/** Finds or starts the shim of a task, ours or another's. */
export class Launcher {
  readonly #own: OwnShims;
  readonly #links: ShimLinks;
  readonly #config: RuntimeConfig;
  readonly #environment: ShimEnvironment;
  readonly #shutdownMs: number;
  /** By the path of a shim's program. */
  readonly #allowedMounts = new Map<string, readonly string[]>();
  /** Our own that were found again: several tasks may be in one. */
  readonly #found = new Map<string, Promise<ShimConnection>>();

  constructor(options: {
    readonly own: OwnShims;
    readonly links: ShimLinks;
    readonly config: RuntimeConfig;
    readonly environment: ShimEnvironment;
    readonly shutdownMs: number;
  }) {
    this.#own = options.own;
    this.#links = options.links;
    this.#config = options.config;
    this.#environment = options.environment;
    this.#shutdownMs = options.shutdownMs;
  }

  isOwn(runtime: string): boolean {
    return ownRuntimes.has(runtime) && !(runtime in this.#config.binaries);
  }

  /** A shim for a new task. What is needed to find it again is in the bundle when this returns. */
  async launch(
    bundle: Bundle,
    group: ShimGroup,
    runtime: string,
    options: Any | undefined,
  ): Promise<ShimTask> {
    if (this.isOwn(runtime)) {
      const shim = this.#own.acquire(group);
      writeBootstrap(bundle, shim.bootstrap);
      bundle.write(BINARY_FILE, this.#own.binary);
      return this.#ownTask(bundle, shim, group);
    }
    const binary = this.#binary(this.programOf(runtime), bundle);
    const log = new ShimLog(join(bundle.path, "log"));
    try {
      const bootstrap = await binary.start(options);
      bundle.write(BINARY_FILE, binary.path);
      const shim = await ShimConnection.connect(bootstrap);
      void shim.closed.then(() => log[Symbol.dispose]());
      writeBootstrap(bundle, bootstrap);
      return this.#foreignTask(bundle, shim, binary);
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
  }

  /** The program of a runtime's shim. @throws {Fault} `unknown` when there is none */
  programOf(runtime: string): string {
    if (this.isOwn(runtime)) return this.#own.binary;
    return findShimBinary(this.#config.binaries[runtime] ?? runtime);
  }

  /** Which mounts the runtime's shim makes itself that no kernel knows: ours leaves them all to the daemon. */
  async allowedMounts(bundle: Bundle, runtime: string): Promise<readonly string[]> {
    if (this.isOwn(runtime)) return [];
    const path = this.programOf(runtime);
    const allowed = this.#allowedMounts.get(path) ?? (await this.#binary(path, bundle).allowedMounts());
    this.#allowedMounts.set(path, allowed);
    return allowed;
  }

  /** Whether no shim of ours knows of the bundle: how to reach it is written before it is told. */
  isUntold({ path }: Bundle, binary: ShimBinary): boolean {
    return binary.path === this.#own.binary && addressIn(path) === undefined;
  }

  /** The shim of a task that an earlier daemon made. @throws when it is dead */
  async findAgain(bundle: Bundle, binary: ShimBinary, group: ShimGroup): Promise<ShimTask> {
    const bootstrap = readBootstrap(bundle);
    if (binary.path !== this.#own.binary) {
      const log = new ShimLog(join(bundle.path, "log"));
      try {
        const shim = await ShimConnection.connect(bootstrap);
        void shim.closed.then(() => log[Symbol.dispose]());
        return this.#foreignTask(bundle, shim, binary);
      } catch (error) {
        log[Symbol.dispose]();
        throw error;
      }
    }
    const connecting = this.#found.get(bootstrap.address) ?? this.#connectOrSucceed(bundle, bootstrap, group);
    this.#found.set(bootstrap.address, connecting);
    const shim = await connecting;
    if (shim.bootstrap.address === bootstrap.address) this.#own.foundAgain(shim, group);
    else writeBootstrap(bundle, shim.bootstrap);
    return this.#ownTask(bundle, shim, group);
  }

  /** A shim's program, to be called for a bundle. */
  program(path: string, bundle: Bundle): ShimBinary {
    return this.#binary(path, bundle);
  }

  /** The program that the bundle says its shim is from, for a shim that may be dead. */
  binaryOf(bundle: Bundle, runtime: string): ShimBinary {
    try {
      return this.#binary(readFileSync(join(bundle.path, BINARY_FILE), "utf8"), bundle);
    } catch {
      const path = this.isOwn(runtime) ? this.#own.binary : findShimBinary(runtime);
      return this.#binary(path, bundle);
    }
  }

  /** A shim that died while no daemon ran: another takes over what it held. */
  async #connectOrSucceed(bundle: Bundle, bootstrap: Bootstrap, group: ShimGroup): Promise<ShimConnection> {
    try {
      const shim = await ShimConnection.connect(bootstrap);
      // One that is being killed may still have taken the connection; one that is slow keeps what it holds.
      await shim.tasks.connect({ id: bundle.id }, { timeoutMs: this.#shutdownMs }).catch(unlessSlow);
      return shim;
    } catch {
      const bundles = dirname(bundle.path);
      const ids = readdirSync(bundles).filter((id) => addressIn(join(bundles, id)) === bootstrap.address);
      return this.#own.succeed(bootstrap.address, group, { bundles, ids });
    }
  }

  #ownTask(bundle: Bundle, shim: ShimConnection, group: ShimGroup): ShimTask {
    const bundles = dirname(bundle.path);
    return new ShimTask(bundle, shim, this.#binary(this.#own.binary, bundle), {
      release: async (held) => this.#own.release(held),
      held: (held) => this.#links.add(bundle, held),
      gone: () => this.#links.remove(bundle),
      succeed: (address, ids) => this.#own.succeed(address, group, { bundles, ids }),
    });
  }

  #foreignTask(bundle: Bundle, shim: ShimConnection, binary: ShimBinary): ShimTask {
    const task = new ShimTask(bundle, shim, binary, {
      release: async () => {
        try {
          // It ends unless it holds other tasks.
          await shim.tasks.shutdown({ id: bundle.id }, { ...task.call, timeoutMs: this.#shutdownMs });
        } finally {
          await shim.close();
        }
      },
    });
    return task;
  }

  #binary(path: string, bundle: Bundle): ShimBinary {
    return new ShimBinary(path, bundle, this.#environment);
  }
}

function unlessSlow(error: unknown): void {
  if (!hasCode(error, "deadline_exceeded")) throw error;
}

function addressIn(path: string): string | undefined {
  try {
    return readBootstrap({ path }).address;
  } catch {
    return undefined;
  }
}
