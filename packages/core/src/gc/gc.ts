export interface CollectionStats {
  /** How long the metadata was held: nothing else was done with it meanwhile. */
  readonly elapsedMs: number;
}

/** Removes what nothing refers to. Defined by containerd's core/metadata/gc.go and docs/garbage-collection.md. */
export interface GarbageCollector {
  /** Resolves when what is garbage now has gone, also from the backends. */
  collect(): Promise<CollectionStats>;
  /** Tells of each change; `dirty` when something was removed since the last collection. */
  onMutation(listener: (dirty: boolean) => void): void;
}
