import { Namespaces } from "@slipway/api/containerd/services/namespaces/v1/namespaces_pb";
import type { Namespace, NamespaceStore } from "@slipway/core/namespaces";
import type { Calls } from "../connect/calls.ts";
import { maskOf, required } from "../connect/messages.ts";

/** The daemon's namespaces. */
export class RemoteNamespaceStore implements NamespaceStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async get(name: string): Promise<Namespace> {
    return fromMessage(
      required((await this.#calls.unary(Namespaces.method.get, { name })).namespace, "namespace"),
    );
  }

  async list(): Promise<Namespace[]> {
    return (await this.#calls.unary(Namespaces.method.list, {})).namespaces.map(fromMessage);
  }

  async create({ name, labels }: Namespace): Promise<Namespace> {
    const request = { namespace: { name, labels: { ...labels } } };
    return fromMessage(
      required((await this.#calls.unary(Namespaces.method.create, request)).namespace, "namespace"),
    );
  }

  async update({ name, labels }: Namespace, fieldPaths?: readonly string[]): Promise<Namespace> {
    const request = { namespace: { name, labels: { ...labels } }, ...maskOf(fieldPaths) };
    return fromMessage(
      required((await this.#calls.unary(Namespaces.method.update, request)).namespace, "namespace"),
    );
  }

  async delete(name: string): Promise<void> {
    await this.#calls.unary(Namespaces.method.delete, { name });
  }
}

function fromMessage({ name, labels }: Namespace): Namespace {
  return { name, labels };
}
