import { type Lease as LeaseMessage, Leases } from "@slipway/api/containerd/services/leases/v1/leases_pb";
import type { Labels } from "@slipway/core/labels";
import type { Lease, LeaseManager, LeaseResource } from "@slipway/core/leases";
import type { Calls } from "../connect/calls.ts";
import { required, toDate } from "../connect/messages.ts";

/** The daemon's leases of one namespace. */
export class RemoteLeaseManager implements LeaseManager {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async create(options: { readonly id?: string; readonly labels?: Labels } = {}): Promise<Lease> {
    const request = { id: options.id ?? crypto.randomUUID(), labels: { ...options.labels } };
    return fromMessage(required((await this.#calls.unary(Leases.method.create, request)).lease, "lease"));
  }

  async delete(id: string, { sync = false }: { readonly sync?: boolean } = {}): Promise<void> {
    await this.#calls.unary(Leases.method.delete, { id, sync });
  }

  async list(filters: readonly string[] = []): Promise<Lease[]> {
    return (await this.#calls.unary(Leases.method.list, { filters: [...filters] })).leases.map(fromMessage);
  }

  async addResource(leaseId: string, { id, type }: LeaseResource): Promise<void> {
    await this.#calls.unary(Leases.method.addResource, { id: leaseId, resource: { id, type } });
  }

  async deleteResource(leaseId: string, { id, type }: LeaseResource): Promise<void> {
    await this.#calls.unary(Leases.method.deleteResource, { id: leaseId, resource: { id, type } });
  }

  async listResources(leaseId: string): Promise<LeaseResource[]> {
    const { resources } = await this.#calls.unary(Leases.method.listResources, { id: leaseId });
    return resources.map(({ id, type }) => ({ id, type }));
  }
}

function fromMessage({ id, labels, createdAt }: LeaseMessage): Lease {
  return { id, labels, createdAt: toDate(createdAt) };
}
