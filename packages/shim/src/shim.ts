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
  readonly reaper = new Reaper();

  constructor(options: ShimOptions) {
    this.options = options;
  }

  get events(): EventPublisher {
    return this.options.events;
  }

  container(id: string): Container {
    const container = this.containers.get(id);
    if (!container) throw new Fault("not_found", "container not created");
    return container;
  }
}

/** A request of version 2 or 3 of the task API: they differ in their package alone. */
export type Request<T> = Omit<T, "$typeName" | "$unknown">;
