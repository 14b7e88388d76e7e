import type { Condition } from "./conditions.ts";
import type { Node } from "./references.ts";

/** An object, and what it says of others. */
export interface Entry {
  readonly root: boolean;
  /** What it keeps. */
  readonly to: readonly Node[];
  /** What keeps it. */
  readonly from?: readonly Node[];
  /** What it keeps even for a flat lease: an image its target, a snapshot its parent. */
  readonly structure?: Node;
  /** Snapshots that it keeps while they were used lately. */
  readonly conditions?: readonly Condition[];
  /** When it was used. */
  readonly usedAt?: readonly Date[];
  /** Only of leases: what it holds is kept, but not what that keeps. */
  readonly flat?: boolean;
  /** Only of what a lease holds: the lease. */
  readonly heldBy?: Node;
}

/** What keeps what. A collection fills it little by little, and asks it at the end. */
export class Graph {
  readonly #entries = new Map<Node, Entry>();

  /** Without an entry the object is not there (any more). */
  set(node: Node, entry: Entry | undefined): void {
    if (entry) this.#entries.set(node, entry);
    else this.#entries.delete(node);
  }

  /** Everything that is not reachable from a root. */
  garbage(now: Date): Node[] {
    const reached = this.#reach(this.#roots(), this.#attached(now));
    const garbage: Node[] = [];
    for (const [node, { heldBy }] of this.#entries) {
      // What says that a lease holds something goes with the lease.
      if (heldBy === undefined && !reached.has(node)) garbage.push(node);
    }
    return garbage;
  }

  /** The roots, and whether each is held by a flat lease. */
  *#roots(): Iterable<readonly [Node, boolean]> {
    for (const [node, { root, heldBy, to }] of this.#entries) {
      if (heldBy !== undefined) {
        const lease = this.#entries.get(heldBy);
        if (lease?.root) for (const held of to) yield [held, lease.flat ?? false];
      } else if (root) yield [node, false];
    }
  }

  /** What objects keep because others say so. */
  #attached(now: Date): Map<Node, Node[]> {
    const attached = new Map<Node, Node[]>();
    const attach = (from: Node, to: Node): void => {
      const targets = attached.get(from);
      if (targets) targets.push(to);
      else attached.set(from, [to]);
    };
    for (const [node, { from = [], conditions = [] }] of this.#entries) {
      for (const source of from) attach(source, node);
      for (const { snapshot, holds } of conditions) {
        const used = this.#entries.get(snapshot)?.usedAt ?? [];
        if (used.some((usedAt) => holds(usedAt, now))) attach(node, snapshot);
      }
    }
    return attached;
  }

  #reach(roots: Iterable<readonly [Node, boolean]>, attached: ReadonlyMap<Node, Node[]>): Set<Node> {
    const reached = new Set<Node>();
    const flat: Node[] = [];
    const pending: Node[] = [];
    for (const [root, isFlat] of roots) (isFlat ? flat : pending).push(root);
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      const entry = this.#entries.get(node);
      if (entry?.structure !== undefined) pending.push(entry.structure);
      pending.push(...(entry?.to ?? []), ...(attached.get(node) ?? []));
    }
    for (const root of flat) {
      for (let node: Node | undefined = root; node !== undefined; node = this.#entries.get(node)?.structure) {
        reached.add(node);
      }
    }
    return reached;
  }
}
