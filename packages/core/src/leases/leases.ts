import type { Labels } from "../labels.ts";

export interface Lease {
  readonly id: string;
  readonly createdAt: Date;
  readonly labels: Labels;
}

/** What a lease holds: `type` is `content`, `ingests`, `images` or `snapshots/SNAPSHOTTER`. */
export interface LeaseResource {
  readonly id: string;
  readonly type: string;
}

/** Holds resources of one namespace against garbage collection. Defined by containerd's core/leases/lease.go. */
export interface LeaseManager {
  /** Without an id a random one is made. @throws {Fault} `already_exists` */
  create(options?: { readonly id?: string; readonly labels?: Labels }): Promise<Lease>;
  /** `sync`: collect what became garbage before returning. @throws {Fault} `not_found` */
  delete(id: string, options?: { readonly sync?: boolean }): Promise<void>;
  list(filters?: readonly string[]): Promise<Lease[]>;
  addResource(leaseId: string, resource: LeaseResource): Promise<void>;
  deleteResource(leaseId: string, resource: LeaseResource): Promise<void>;
  listResources(leaseId: string): Promise<LeaseResource[]>;
}
