import type { Container } from "@slipway/core/containers";
import type { ContentInfo } from "@slipway/core/content";
import type { Image } from "@slipway/core/images";
import type { Labels } from "@slipway/core/labels";
import type { Lease, LeaseResource } from "@slipway/core/leases";
import type { Namespace } from "@slipway/core/namespaces";
import type { Bucket } from "@slipway/core/store";
import type { Digest } from "@slipway/oci/digest";
import { decodeContainer, encodeContainer } from "./container-row.ts";
import { parseRow } from "./parse-row.ts";
import type { RowShape } from "./row-shape.ts";
import * as shapes from "./row-shapes.ts";

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

export const namespaces: Bucket<Namespace> = json("namespaces", shapes.namespaceShape);
export const images: Bucket<Image> = json("images", shapes.imageShape);
export const blobs: Bucket<ContentInfo> = json("blobs", shapes.blobShape);
export const ingests: Bucket<Ingest> = json("ingests", shapes.ingestShape);
/** By `NAMESPACE/SNAPSHOTTER/KEY`. */
export const snapshots: Bucket<Snapshot> = json("snapshots", shapes.snapshotShape);
export const leases: Bucket<Lease> = json("leases", shapes.leaseShape);
/** By `NAMESPACE/LEASE/TYPE/ID`, the lease's id escaped. */
export const leaseResources: Bucket<LeaseResource> = json("lease-resources", shapes.leaseResourceShape);
/** Numbers that were given out last. */
export const sequences: Bucket<{ readonly last: number }> = json("sequences", shapes.sequenceShape);
export const containers: Bucket<Container> = {
  name: "containers",
  encode: encodeContainer,
  decode: decodeContainer,
};

function json<T extends object>(name: string, shape: RowShape): Bucket<T> {
  return {
    name,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => parseRow(bytes, shape) as T,
  };
}
