import type { LeaseResource } from "@slipway/core/leases";
import type { Scope } from "@slipway/core/stores";
import type { Transaction } from "@slipway/core/store";
import { leaseResources, leases } from "./buckets.ts";
import { notFound } from "./faults.ts";

/** The key prefix of what a lease holds. Its id may have slashes. */
export function leasePrefix(namespace: string, lease: string): string {
  return `${namespace}/${encodeURIComponent(lease)}/`;
}

function resourceKey(namespace: string, lease: string, { type, id }: LeaseResource): string {
  return `${leasePrefix(namespace, lease)}${type}/${id}`;
}

/**
 * Has the scope's lease, if it has one, hold a resource.
 * @throws {Fault} `not_found` when there is no such lease
 */
export function hold(transaction: Transaction, { namespace, lease }: Scope, resource: LeaseResource): void {
  if (lease === undefined) return;
  if (!transaction.get(leases, `${namespace}/${lease}`)) throw notFound("lease does not exist");
  transaction.put(leaseResources, resourceKey(namespace, lease, resource), resource);
}

/** Has the scope's lease, if it has one, no longer hold a resource. */
export function release(
  transaction: Transaction,
  { namespace, lease }: Scope,
  resource: LeaseResource,
): void {
  if (lease !== undefined) transaction.delete(leaseResources, resourceKey(namespace, lease, resource));
}

export function removeLease(transaction: Transaction, namespace: string, lease: string): void {
  transaction.delete(leases, `${namespace}/${lease}`);
  for (const [key] of transaction.list(leaseResources, leasePrefix(namespace, lease))) {
    transaction.delete(leaseResources, key);
  }
}
