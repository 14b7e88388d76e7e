import type { Labels } from "@slipway/core/labels";
import { type Condition, parseCondition } from "./conditions.ts";

/*
 * What labels say about what is to be kept: https://github.com/containerd/containerd/blob/main/docs/garbage-collection.md
 * and core/metadata/gc.go.
 */

/** An object in the graph: its kind, and its key in that kind's bucket. */
export type Node = `${NodeKind} ${string}`;
export type NodeKind = "content" | "snapshot" | "image" | "ingest" | "container" | "lease" | "held";

export function node(kind: NodeKind, namespace: string, name: string): Node {
  return `${kind} ${namespace}/${name}`;
}

export interface LabelReferences {
  /** What the object keeps. */
  readonly to: readonly Node[];
  /** What keeps the object. */
  readonly from: readonly Node[];
  readonly root: boolean;
  /** Snapshots that the object keeps while they were used lately. */
  readonly conditions: readonly Condition[];
}

const prefix = "containerd.io/gc.";
const namedKinds = ["content", "image", "container"] as const;

export function labelReferences(namespace: string, labels: Labels): LabelReferences {
  const to: Node[] = [];
  const from: Node[] = [];
  const conditions: Condition[] = [];
  let root = false;
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(prefix)) continue;
    const rule = label.slice(prefix.length);
    if (rule.startsWith("root")) root = true;
    else if (rule.startsWith("ref.")) to.push(...target(namespace, rule.slice("ref.".length), value));
    else if (rule.startsWith("bref.")) from.push(...target(namespace, rule.slice("bref.".length), value));
    else if (rule.startsWith("cond.snapshot")) {
      conditions.push(...parseCondition(namespace, rule.slice("cond.snapshot".length), value));
    }
  }
  return { to, from, root, conditions };
}

/** The object of a label such as `content.l.0` or `snapshot.overlayfs/name`: what follows a kind is a free name. */
function target(namespace: string, rule: string, value: string): Node[] {
  const [kind = ""] = rule.split(/[./]/);
  if (kind === "snapshot" && rule.startsWith("snapshot.")) {
    const [snapshotter = ""] = rule.slice("snapshot.".length).split("/");
    return [node("snapshot", namespace, `${snapshotter}/${value}`)];
  }
  const named = namedKinds.find((name) => name === kind);
  return named ? [node(named, namespace, value)] : [];
}
