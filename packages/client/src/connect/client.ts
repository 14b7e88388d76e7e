import type { NamespaceStore } from "@slipway/core/namespaces";
import type { Scope, ScopedStores } from "@slipway/core/stores";
import type { Transport } from "@slipway/rpc/client";
import { RemoteContainerStore } from "../containers/containers.ts";
import { RemoteContentStore } from "../content/content.ts";
import { RemoteDiffer } from "../diff/diff.ts";
import { RemoteEvents } from "../events/events.ts";
import { RemoteImageStore } from "../images/images.ts";
import { RemoteDoctor } from "../doctor/doctor.ts";
import { RemoteIntegrity } from "../integrity/integrity.ts";
import { RemoteIntrospection } from "../introspection/introspection.ts";
import { RemoteLeaseManager } from "../leases/leases.ts";
import { RemoteNamespaceStore } from "../namespaces/namespaces.ts";
import { RemoteSnapshotter } from "../snapshots/snapshots.ts";
import { RemoteTaskManager } from "../tasks/tasks.ts";
import { RemoteTransfer } from "../transfer/transfer.ts";
import { Calls } from "./calls.ts";

/**
 * A containerd daemon as one namespace sees it. Every failure is a `Fault` with containerd's code.
 * Leaving its scope closes the connection, for clients made by `withLease` and `inNamespace`, too.
 */
export class Client implements ScopedStores, AsyncDisposable {
  /** The daemon's, as the client was told. */
  readonly address: string;
  readonly namespace: string;
  readonly images: RemoteImageStore;
  readonly containers: RemoteContainerStore;
  readonly content: RemoteContentStore;
  readonly leases: RemoteLeaseManager;
  readonly tasks: RemoteTaskManager;
  readonly differ: RemoteDiffer;
  readonly namespaces: NamespaceStore;
  readonly events: RemoteEvents;
  readonly doctor: RemoteDoctor;
  readonly integrity: RemoteIntegrity;
  readonly introspection: RemoteIntrospection;
  readonly transfer: RemoteTransfer;
  readonly #transport: Transport;
  readonly #calls: Calls;

  constructor(transport: Transport, scope: Scope, address: string) {
    this.address = address;
    this.namespace = scope.namespace;
    this.#transport = transport;
    const calls = new Calls(transport, scope);
    this.#calls = calls;
    this.images = new RemoteImageStore(calls);
    this.containers = new RemoteContainerStore(calls);
    this.content = new RemoteContentStore(calls);
    this.leases = new RemoteLeaseManager(calls);
    this.tasks = new RemoteTaskManager(calls);
    this.differ = new RemoteDiffer(calls);
    this.namespaces = new RemoteNamespaceStore(calls);
    this.events = new RemoteEvents(calls);
    this.doctor = new RemoteDoctor(calls);
    this.integrity = new RemoteIntegrity(calls);
    this.introspection = new RemoteIntrospection(calls);
    this.transfer = new RemoteTransfer(calls);
  }

  /** The snapshotter of this name. Whether the daemon has it shows at the first call: `not_found`. */
  snapshotter(name: string): RemoteSnapshotter {
    return new RemoteSnapshotter(this.#calls, name);
  }

  /** The same daemon and namespace; what is made through it is held by the lease. */
  withLease(lease: string): Client {
    return new Client(this.#transport, { namespace: this.namespace, lease }, this.address);
  }

  /** The same daemon, another namespace. */
  inNamespace(namespace: string): Client {
    return new Client(this.#transport, { namespace }, this.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }
}
