import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import type { ContentInfo } from "@slipway/core/content";
import type { Image } from "@slipway/core/images";
import type { Labels } from "@slipway/core/labels";
import type { Lease, LeaseResource } from "@slipway/core/leases";
import type { Namespace } from "@slipway/core/namespaces";
import type { Bucket } from "@slipway/core/store";
import type { Digest } from "@slipway/oci/digest";

/*
 * What the metadata keeps, as JSON: readable with the sqlite3 tool. A key is the namespace, a slash, and the object's own
 * name; namespaces have no slashes.
 */

/** How an ingest of a namespace is known to the content store below. */
export interface Ingest {
  readonly ref: string;
  readonly backendRef: string;
  /** A blob that another namespace has: nothing is written, and nothing is known of it below. */
  readonly expected?: Digest;
  /** An ingest without a lease goes then. */
  readonly expiresAt?: Date;
}

/** How a snapshot of a namespace is known to the snapshotter below. */
export interface Snapshot {
  readonly name: string;
  readonly backendKey: string;
  /** In the same namespace; empty for a base. */
  readonly parent: string;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** How many snapshots have this one as their parent. */
  readonly children: number;
}

export const namespaces: Bucket<Namespace> = json("namespaces");
export const images: Bucket<Image> = json("images");
export const blobs: Bucket<ContentInfo> = json("blobs");
export const ingests: Bucket<Ingest> = json("ingests");
/** By `NAMESPACE/SNAPSHOTTER/KEY`. */
export const snapshots: Bucket<Snapshot> = json("snapshots");
export const leases: Bucket<Lease> = json("leases");
/** By `NAMESPACE/LEASE/TYPE/ID`, the lease's id escaped. */
export const leaseResources: Bucket<LeaseResource> = json("lease-resources");
/** Numbers that were given out last. */
export const sequences: Bucket<{ readonly last: number }> = json("sequences");
export const containers: Bucket<Container> = containerBucket();

const dates = ["createdAt", "updatedAt", "expiresAt"] as const;

function json<T extends object>(name: string): Bucket<T> {
  return {
    name,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => revived(parse(bytes)) as T,
  };
}

interface StoredAny {
  readonly typeUrl: string;
  readonly value: string;
}

type StoredContainer = Omit<Container, "runtime" | "spec" | "extensions"> & {
  readonly runtime: { readonly name: string; readonly options?: StoredAny };
  readonly spec?: StoredAny;
  readonly extensions: Readonly<Record<string, StoredAny>>;
};

function containerBucket(): Bucket<Container> {
  const stored = json<StoredContainer>("containers");
  return {
    name: stored.name,
    encode: (container) =>
      stored.encode({ ...container, ...mapAnys(container, toStored) } as unknown as StoredContainer),
    decode: (bytes) => {
      const container = stored.decode(bytes);
      return { ...container, ...mapAnys(container, fromStored) } as unknown as Container;
    },
  };
}

function mapAnys<A>(
  container: {
    readonly runtime: { readonly name: string; readonly options?: A };
    readonly spec?: A;
    readonly extensions: Readonly<Record<string, A>>;
  },
  map: (any: A) => unknown,
): object {
  const { runtime, spec, extensions } = container;
  return {
    runtime: { name: runtime.name, ...(runtime.options ? { options: map(runtime.options) } : {}) },
    ...(spec ? { spec: map(spec) } : {}),
    extensions: Object.fromEntries(Object.entries(extensions).map(([name, any]) => [name, map(any)])),
  };
}

function toStored({ typeUrl, value }: Any): StoredAny {
  return { typeUrl, value: Buffer.from(value).toString("base64") };
}

function fromStored({ typeUrl, value }: StoredAny): Any {
  return { typeUrl, value: new Uint8Array(Buffer.from(value, "base64")) };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return JSON.parse(text) as Record<string, unknown>;
}

function revived(value: Record<string, unknown>): Record<string, unknown> {
  for (const name of dates) {
    if (typeof value[name] === "string") value[name] = new Date(value[name]);
  }
  return value;
}
