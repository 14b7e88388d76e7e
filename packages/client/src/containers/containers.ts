import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Container as ContainerMessage,
  Containers,
  type ContainerSchema,
} from "@slipway/api/containerd/services/containers/v1/containers_pb";
import type { Container, ContainerStore, NewContainer } from "@slipway/core/containers";
import { hasCode } from "@slipway/fault/fault";
import type { Calls } from "../connect/calls.ts";
import { fromAny, fromAnys, maskOf, required, toAny, toAnys, toDate } from "../connect/messages.ts";

/** The daemon's containers of one namespace. */
export class RemoteContainerStore implements ContainerStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async get(id: string): Promise<Container> {
    const { container } = await this.#calls.unary(Containers.method.get, { id });
    return fromMessage(required(container, "container"));
  }

  async list(filters: readonly string[] = []): Promise<Container[]> {
    try {
      const { containers } = await this.#calls.unary(Containers.method.list, { filters: [...filters] });
      return containers.map(fromMessage);
    } catch (error) {
      // More than a message may have.
      if (!hasCode(error, "resource_exhausted")) throw error;
      return await Array.fromAsync(this.walk(filters));
    }
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<Container> {
    const stream = this.#calls.serverStream(Containers.method.listStream, { filters: [...filters] });
    for await (const { container } of stream) yield fromMessage(required(container, "container"));
  }

  async create(container: NewContainer): Promise<Container> {
    const made = await this.#calls.unary(Containers.method.create, { container: toMessage(container) });
    return fromMessage(required(made.container, "container"));
  }

  async update(container: NewContainer, fieldPaths?: readonly string[]): Promise<Container> {
    const request = { container: toMessage(container), ...maskOf(fieldPaths) };
    const updated = await this.#calls.unary(Containers.method.update, request);
    return fromMessage(required(updated.container, "container"));
  }

  async delete(id: string): Promise<void> {
    await this.#calls.unary(Containers.method.delete, { id });
  }
}

function toMessage(container: NewContainer): MessageInitShape<typeof ContainerSchema> {
  const { runtime, spec } = container;
  return {
    id: container.id,
    labels: { ...container.labels },
    image: container.image,
    runtime: { name: runtime.name, ...(runtime.options ? { options: toAny(runtime.options) } : {}) },
    ...(spec ? { spec: toAny(spec) } : {}),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    extensions: toAnys(container.extensions),
    sandbox: container.sandboxId,
  };
}

function fromMessage(message: ContainerMessage): Container {
  const { runtime, spec } = message;
  return {
    id: message.id,
    labels: message.labels,
    image: message.image,
    runtime: {
      name: runtime?.name ?? "",
      ...(runtime?.options ? { options: fromAny(runtime.options) } : {}),
    },
    ...(spec ? { spec: fromAny(spec) } : {}),
    snapshotter: message.snapshotter,
    snapshotKey: message.snapshotKey,
    extensions: fromAnys(message.extensions),
    sandboxId: message.sandbox,
    createdAt: toDate(message.createdAt),
    updatedAt: toDate(message.updatedAt),
  };
}
