import type { Labels } from "../labels.ts";

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** Defined by containerd's pkg/namespaces/store.go. */
export interface NamespaceStore {
  /** One that does not exist has no labels: clients ask for defaults before they make the first object. */
  get(name: string): Promise<Namespace>;
  list(): Promise<Namespace[]>;
  /** @throws {Fault} `already_exists` */
  create(namespace: Namespace): Promise<Namespace>;
  /** `fieldPaths`: `labels`, `labels.NAME`; all labels are replaced without it. An empty value deletes a label. */
  update(namespace: Namespace, fieldPaths?: readonly string[]): Promise<Namespace>;
  /** @throws {Fault} `not_found`, `failed_precondition` while it has objects */
  delete(name: string): Promise<void>;
}
