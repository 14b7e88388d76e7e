import type { Any } from "../any.ts";
import type { Damage } from "../integrity/integrity.ts";
import type { Labels } from "../labels.ts";
import type { Mount } from "../mounts/mount.ts";

/** An event on its way: containerd's containerd.types.Envelope. */
export interface Envelope {
  readonly timestamp: Date;
  readonly namespace: string;
  readonly topic: string;
  readonly event: Any;
}

/** What is said on each topic: the fields of the messages in containerd.events and slipway.events, in camelCase. */
export interface EventsByTopic {
  "/namespaces/create": { readonly name: string; readonly labels: Labels };
  "/namespaces/update": { readonly name: string; readonly labels: Labels };
  "/namespaces/delete": { readonly name: string };
  "/images/create": { readonly name: string; readonly labels: Labels };
  "/images/update": { readonly name: string; readonly labels: Labels };
  "/images/delete": { readonly name: string };
  /** Not one of containerd's. */
  "/slipway/images/damaged": { readonly name: string; readonly damages: readonly Damage[] };
  "/containers/create": {
    readonly id: string;
    readonly image: string;
    readonly runtime: { readonly name: string; readonly options?: Any };
  };
  "/containers/update": {
    readonly id: string;
    readonly image: string;
    readonly labels: Labels;
    readonly snapshotKey: string;
  };
  "/containers/delete": { readonly id: string };
  "/content/create": { readonly digest: string; readonly size: bigint };
  "/content/delete": { readonly digest: string };
  "/snapshot/prepare": { readonly key: string; readonly parent: string; readonly snapshotter: string };
  "/snapshot/commit": { readonly key: string; readonly name: string; readonly snapshotter: string };
  "/snapshot/remove": { readonly key: string; readonly snapshotter: string };
  /** Not containerd's: a health check has found that the container's health changed. */
  "/slipway/containers/health_status": {
    readonly containerId: string;
    readonly status: string;
    readonly failingStreak: number;
    readonly exitCode: number;
    readonly output: string;
  };
  "/tasks/create": {
    readonly containerId: string;
    readonly bundle: string;
    readonly rootfs: readonly Mount[];
    readonly io: {
      readonly stdin: string;
      readonly stdout: string;
      readonly stderr: string;
      readonly terminal: boolean;
    };
    readonly checkpoint: string;
    readonly pid: number;
  };
  "/tasks/start": { readonly containerId: string; readonly pid: number };
  "/tasks/exit": {
    readonly containerId: string;
    readonly id: string;
    readonly pid: number;
    readonly exitStatus: number;
    readonly exitedAt: Date;
  };
  "/tasks/delete": {
    readonly containerId: string;
    readonly pid: number;
    readonly exitStatus: number;
    readonly exitedAt: Date;
    readonly id: string;
  };
  /** Ours, and none of containerd's. */
  "/slipway/images/pull-progress": ImagePullProgress;
}

/** slipway.events.v1.ImagePullProgress. Bytes are of the image's blobs, as far as they are known. */
export interface ImagePullProgress {
  readonly name: string;
  readonly digest: string;
  readonly state: "resolving" | "pulling" | "completed" | "failed";
  readonly totalBytes: bigint;
  readonly presentBytes: bigint;
  readonly fetchedBytes: bigint;
  readonly bytesPerSecond: bigint;
  readonly layers: number;
  readonly unpackedLayers: number;
  readonly error: string;
}

/** An event with its place in the journal. */
export interface RecordedEvent extends Envelope {
  /**
   * Grows with each event, over restarts of the daemon and the machine. An event that is not kept has that of the event
   * before it.
   */
  readonly sequence: number;
}

/** Which events a reader of the journal wants. */
export interface JournalRange {
  /** Those after the event of this sequence; 0: from the oldest on. */
  readonly after?: number;
  /** Those that happened then or later, by their own time. */
  readonly since?: Date;
  /** Goes on with what is to come, until `signal` aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** What happened lately. */
export interface EventJournal {
  /**
   * Events that match any of the filters, oldest first, each once.
   * @throws {Fault} `out_of_range` when some of what came after `after` is not kept any more
   */
  read(filters: readonly string[], range?: JournalRange): AsyncIterable<RecordedEvent>;
}

/** Says what happened in one namespace. */
export interface EventPublisher {
  publish<T extends keyof EventsByTopic>(namespace: string, topic: T, payload: EventsByTopic[T]): void;
}

/** The daemon's exchange: everything that happens passes here once. */
export interface EventExchange extends EventPublisher, EventJournal {
  /** Tells an event that a client made. @throws {Fault} `invalid_argument` for a malformed envelope */
  announce(envelope: Envelope): void;
  /**
   * Hands on an event that another program made and timed. One that was handed on already, to this daemon or to the one
   * before it, is not told again: who did not get our answer sends it a second time.
   * @throws {Fault} `invalid_argument` for a malformed envelope
   */
  forward(envelope: Envelope): void;
  /**
   * Events that match any of the filters, from now on, until `signal` aborts. A subscriber that does not keep up
   * loses nothing up to `EventExchange`'s bound, and is then ended with `resource_exhausted`.
   */
  subscribe(filters: readonly string[], options?: { readonly signal?: AbortSignal }): AsyncIterable<Envelope>;
}
