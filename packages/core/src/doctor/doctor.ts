/** Of what something was left behind. */
export type LeakKind = "task" | "shim" | "container" | "bundle" | "work" | "cgroup" | "socket";

/** Something that was left behind: nothing in the metadata, and no task, has it any more. */
export interface Leak {
  /** The same for the same leak, so that who was asked about it can name it. */
  readonly id: string;
  readonly kind: LeakKind;
  /** Empty for what belongs to none. */
  readonly namespace: string;
  /** A path, or a process as `pid 7`. */
  readonly where: string;
  readonly reason: string;
  /** Whether processes end when it is removed. */
  readonly isAlive: boolean;
}

export interface FindLeaksOptions {
  /** In milliseconds: what is younger may be in the making. */
  readonly leastAgeMs: number;
}

/** A leak that can be removed. */
export interface FoundLeak extends Leak {
  remove(): Promise<void>;
}

/** Finds what was left behind. Everything else, what runs above all, stays untouched. */
export interface LeakFinder {
  /** In the order in which they are to be removed. */
  find(options: FindLeaksOptions): Promise<FoundLeak[]>;
}

/** A leak, and why it is still there, if it is. */
export interface RepairedLeak {
  readonly leak: Leak;
  readonly failure?: string;
}

/** Compares the metadata with shims, containers of runtimes, cgroups, mounts, folders and processes. */
export interface Doctor {
  examine(options: FindLeaksOptions): Promise<Leak[]>;
  /** Removes those of the named leaks that are still there. */
  repair(ids: readonly string[], options: FindLeaksOptions): Promise<RepairedLeak[]>;
}
