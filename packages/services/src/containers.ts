import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Container as ContainerMessage,
  type ContainerSchema,
  Containers,
} from "@slipway/api/containerd/services/containers/v1/containers_pb";
import { fromAny, fromAnys } from "@slipway/client/messages";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Container, NewContainer } from "@slipway/core/containers";
import type { MetadataStores } from "@slipway/core/stores";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { fieldPathsOf } from "./field-paths.ts";
import { required } from "./required.ts";
import { storesOf } from "./scope.ts";

export function containersService(stores: MetadataStores): ServiceRegistration {
  return serve(Containers, {
    async get({ id }, context) {
      return { container: toMessage(await storesOf(stores, context).containers.get(id)) };
    },
    async list({ filters }, context) {
      return { containers: (await storesOf(stores, context).containers.list(filters)).map(toMessage) };
    },
    async *listStream({ filters }, context) {
      for await (const container of storesOf(stores, context).containers.walk(filters)) {
        yield { container: toMessage(container) };
      }
    },
    async create({ container }, context) {
      return {
        container: toMessage(await storesOf(stores, context).containers.create(fromMessage(container))),
      };
    },
    async update({ container, updateMask }, context) {
      const { containers } = storesOf(stores, context);
      return {
        container: toMessage(await containers.update(fromMessage(container), fieldPathsOf(updateMask))),
      };
    },
    async delete({ id }, context) {
      await storesOf(stores, context).containers.delete(id);
      return {};
    },
  });
}

function toMessage(container: Container): MessageInitShape<typeof ContainerSchema> {
  const { runtime, spec } = container;
  return {
    id: container.id,
    labels: { ...container.labels },
    image: container.image,
    runtime: { name: runtime.name, ...(runtime.options ? { options: runtime.options } : {}) },
    ...(spec ? { spec } : {}),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    createdAt: toTimestamp(container.createdAt),
    updatedAt: toTimestamp(container.updatedAt),
    extensions: { ...container.extensions },
    sandbox: container.sandboxId,
  };
}

function fromMessage(message: ContainerMessage | undefined): NewContainer {
  const container = required(message, "container");
  const { runtime, spec } = container;
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: {
      name: runtime?.name ?? "",
      ...(runtime?.options ? { options: fromAny(runtime.options) } : {}),
    },
    ...(spec ? { spec: fromAny(spec) } : {}),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    extensions: fromAnys(container.extensions),
    sandboxId: container.sandbox,
  };
}
