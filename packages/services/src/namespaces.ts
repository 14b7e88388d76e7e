import { Namespaces } from "@slipway/api/containerd/services/namespaces/v1/namespaces_pb";
import type { Namespace, NamespaceStore } from "@slipway/core/namespaces";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { fieldPathsOf } from "./field-paths.ts";
import { required } from "./required.ts";

export function namespacesService(namespaces: NamespaceStore): ServiceRegistration {
  return serve(Namespaces, {
    async get({ name }) {
      return { namespace: toMessage(await namespaces.get(name)) };
    },
    async list() {
      return { namespaces: (await namespaces.list()).map(toMessage) };
    },
    async create({ namespace }) {
      const { name, labels } = required(namespace, "namespace");
      return { namespace: toMessage(await namespaces.create({ name, labels })) };
    },
    async update({ namespace, updateMask }) {
      const { name, labels } = required(namespace, "namespace");
      return { namespace: toMessage(await namespaces.update({ name, labels }, fieldPathsOf(updateMask))) };
    },
    async delete({ name }) {
      await namespaces.delete(name);
      return {};
    },
  });
}

function toMessage({ name, labels }: Namespace): { name: string; labels: Record<string, string> } {
  return { name, labels: { ...labels } };
}
