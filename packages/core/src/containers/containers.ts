import type { Any } from "../any.ts";
import type { Labels } from "../labels.ts";

/** What a task is made from. Nothing runs here. */
export interface Container {
  readonly id: string;
  readonly labels: Labels;
  /** The image's name; empty when there is none. */
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: Any };
  /** The OCI runtime spec, as JSON in an Any. */
  readonly spec?: Any;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, Any>>;
  readonly sandboxId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** `true` when the kernel killed in the container for want of memory since its last start. */
export const oomKilledLabel = "slipway/oom-killed";

export type NewContainer = Omit<Container, "createdAt" | "updatedAt">;

/** Keeps containers of one namespace. Defined by containerd's core/containers/containers.go. */
export interface ContainerStore {
  /** @throws {Fault} `not_found` */
  get(id: string): Promise<Container>;
  list(filters?: readonly string[]): Promise<Container[]>;
  /** As list(), one after the other: of any number, and not of one moment. */
  walk(filters?: readonly string[]): AsyncIterable<Container>;
  /** @throws {Fault} `already_exists`, `invalid_argument` */
  create(container: NewContainer): Promise<Container>;
  /**
   * `fieldPaths`: `labels`, `labels.NAME`, `spec`, `extensions`, `extensions.NAME`, `image`, `snapshotkey`. Without it all
   * of them are replaced, and another snapshotter or runtime name is `invalid_argument`.
   */
  update(container: NewContainer, fieldPaths?: readonly string[]): Promise<Container>;
  /** @throws {Fault} `not_found` */
  delete(id: string): Promise<void>;
}
