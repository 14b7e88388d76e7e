import { Leases } from "@slipway/api/containerd/services/leases/v1/leases_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Lease } from "@slipway/core/leases";
import type { MetadataStores } from "@slipway/core/stores";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { required } from "./required.ts";
import { storesOf } from "./scope.ts";

export function leasesService(stores: MetadataStores): ServiceRegistration {
  return serve(Leases, {
    async create({ id, labels }, context) {
      const lease = await storesOf(stores, context).leases.create({ labels, ...(id === "" ? {} : { id }) });
      return { lease: toMessage(lease) };
    },
    async delete({ id, sync }, context) {
      await storesOf(stores, context).leases.delete(id, { sync });
      return {};
    },
    async list({ filters }, context) {
      return { leases: (await storesOf(stores, context).leases.list(filters)).map(toMessage) };
    },
    async addResource({ id, resource }, context) {
      const { id: resourceId, type } = required(resource, "resource");
      await storesOf(stores, context).leases.addResource(id, { id: resourceId, type });
      return {};
    },
    async deleteResource({ id, resource }, context) {
      const { id: resourceId, type } = required(resource, "resource");
      await storesOf(stores, context).leases.deleteResource(id, { id: resourceId, type });
      return {};
    },
    async listResources({ id }, context) {
      const resources = await storesOf(stores, context).leases.listResources(id);
      return { resources: resources.map(({ id, type }) => ({ id, type })) };
    },
  });
}

function toMessage(lease: Lease): {
  id: string;
  labels: Record<string, string>;
  createdAt: ReturnType<typeof toTimestamp>;
} {
  return { id: lease.id, labels: { ...lease.labels }, createdAt: toTimestamp(lease.createdAt) };
}
