import { randomBytes } from "node:crypto";
import { leaseFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import type { Lease, LeaseManager, LeaseResource } from "@slipway/core/leases";
import type { GarbageCollector } from "@slipway/core/gc";
import type { Reader } from "@slipway/core/store";
import { Fault, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { parseDigest } from "@slipway/oci/digest";
import { leaseResources, leases } from "./buckets.ts";
import { type Database, ensureNamespace } from "./database.ts";
import { alreadyExists, invalidArgument, notFound } from "./faults.ts";
import { hold, leasePrefix, release, removeLease } from "./lease-resources.ts";

/** containerd's core/metadata/leases.go. */
export class NamespacedLeases implements LeaseManager {
  readonly #database: Database;
  readonly #namespace: string;
  readonly #garbage: GarbageCollector;

  constructor(database: Database, namespace: string, garbage: GarbageCollector) {
    this.#database = database;
    this.#namespace = namespace;
    this.#garbage = garbage;
  }

  async create({ id = randomId(), labels = {} }: { id?: string; labels?: Labels } = {}): Promise<Lease> {
    const lease = { id, createdAt: now(), labels: withoutEmpty(labels) };
    await this.#database.update((transaction) => {
      if (transaction.get(leases, this.#key(id))) throw alreadyExists(`lease "${id}"`);
      ensureNamespace(transaction, this.#namespace);
      transaction.put(leases, this.#key(id), lease);
    });
    return lease;
  }

  async delete(id: string, { sync = false }: { readonly sync?: boolean } = {}): Promise<void> {
    await this.#database.update((transaction) => {
      this.#require(transaction, id);
      removeLease(transaction, this.#namespace, id);
      this.#database.dirty = true;
    });
    if (sync) await this.#garbage.collect();
  }

  async list(filters: readonly string[] = []): Promise<Lease[]> {
    const matches = compileFilters(filters);
    return await this.#database.select(leases, this.#key(""), (lease) => matches(leaseFields(lease)));
  }

  async addResource(leaseId: string, resource: LeaseResource): Promise<void> {
    await this.#database.update((transaction) => {
      this.#require(transaction, leaseId);
      checkResource(resource);
      hold(transaction, { namespace: this.#namespace, lease: leaseId }, resource);
    });
  }

  async deleteResource(leaseId: string, resource: LeaseResource): Promise<void> {
    await this.#database.update((transaction) => {
      this.#require(transaction, leaseId);
      checkResource(resource);
      release(transaction, { namespace: this.#namespace, lease: leaseId }, resource);
      this.#database.dirty = true;
    });
  }

  async listResources(leaseId: string): Promise<LeaseResource[]> {
    this.#database.read((reader) => this.#require(reader, leaseId));
    return await this.#database.select(leaseResources, leasePrefix(this.#namespace, leaseId), () => true);
  }

  #key(id: string): string {
    return `${this.#namespace}/${id}`;
  }

  #require(reader: Reader, id: string): void {
    if (!reader.get(leases, this.#key(id))) throw notFound(`lease "${id}"`);
  }
}

/** As containerd's clients make them: in the order of time. */
function randomId(): string {
  return `${BigInt(Date.now()) * 1_000_000n}-${randomBytes(3).toString("base64url")}`;
}

function withoutEmpty(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

/** @throws {Fault} `invalid_argument`, or `unimplemented` for a type that is not known */
function checkResource({ type, id }: LeaseResource): void {
  const [kind, ...rest] = type.split("/");
  switch (kind) {
    case "content":
    case "ingests":
    case "images":
      if (rest.length > 0) throw invalidArgument(`invalid resource type ${type}`);
      break;
    case "snapshots":
      if (rest.length !== 1) throw invalidArgument(`invalid snapshot resource type ${type}`);
      break;
    default:
      throw new Fault("unimplemented", `resource type ${type} not supported yet: not implemented`);
  }
  if (kind !== "content") return;
  try {
    parseDigest(id);
  } catch (error) {
    throw invalidArgument(`invalid content resource id ${id}: ${messageOf(error)}`);
  }
}
