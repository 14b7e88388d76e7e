import { Fault } from "@slipway/fault/fault";
import type { Container } from "./container.ts";
import type { EventPublisher } from "./events.ts";
import { Reaper } from "./reaper.ts";

export interface ShimOptions {
  readonly namespace: string;
  /** runc's root directory unless the request's options name one; the namespace is added to it. */
  readonly runtimeRoot: string;
  readonly events: EventPublisher;
  /** Called by Shutdown when no container is left, or at once when the caller says so. */
  readonly onShutdown: () => void;
}

/** What one shim process knows: the containers it serves, many or one. */
export class Shim {
  readonly options: ShimOptions;
  readonly containers = new Map<string, Container>();
  readonly #creating = new Map<string, Promise<unknown>>();
  readonly reaper = new Reaper();

  constructor(options: ShimOptions) {
    this.options = options;
  }

  get events(): EventPublisher {
    return this.options.events;
  }

  /** Whether it serves no container, and will not serve one soon. */
  get isIdle(): boolean {
    return this.containers.size === 0 && this.#creating.size === 0;
  }

  /**
   * Keeps an id while its container is made. The daemon that asked for it may be gone by then: the next one must not
   * take what it cannot see yet for what is not there (`settled`).
   * @throws {Fault} `already_exists`
   */
  async creating<T>(id: string, make: () => Promise<T>): Promise<T> {
    if (this.containers.has(id) || this.#creating.has(id)) {
      throw new Fault("already_exists", `container ${id} already exists`);
    }
    const making = make();
    this.#creating.set(id, making);
    try {
      return await making;
    } finally {
      this.#creating.delete(id);
    }
  }

  /** Resolves when the container is there, or is not going to be. */
  async settled(id: string): Promise<void> {
    await this.#creating.get(id)?.catch(() => undefined);
  }

  container(id: string): Container {
    const container = this.containers.get(id);
    if (!container) throw new Fault("not_found", "container not created");
    return container;
  }
}

/** A request of version 2 or 3 of the task API: they differ in their package alone. */
export type Request<T> = Omit<T, "$typeName" | "$unknown">;
