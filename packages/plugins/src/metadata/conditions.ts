import { parseDuration } from "@slipway/core/config/duration";
import type { Labels } from "@slipway/core/labels";
import type { Node } from "./references.ts";

/** Keeps a snapshot while it was used recently enough, or long enough ago. */
export interface Condition {
  readonly snapshot: Node;
  readonly holds: (usedAt: Date, now: Date) => boolean;
}

const usedAtPrefix = "containerd.io/gc.cond.value-usedat";

/** The conditions of a label such as `gc.cond.snapshot.overlayfs = usedat<24h|KEY`; one that holds is enough. */
export function parseCondition(namespace: string, rule: string, value: string): Condition[] {
  const bar = value.indexOf("|");
  if (bar < 0) return [];
  const [snapshotter = ""] = rule.replace(/^[./]+/, "").split("/");
  const snapshot: Node = `snapshot ${namespace}/${snapshotter}/${value.slice(bar + 1)}`;
  return value
    .slice(0, bar)
    .split(",")
    .flatMap((condition) => {
      const [, operator, duration] = /^usedat([<>])([^=].*)$/.exec(condition) ?? [];
      const ageMs = duration === undefined ? undefined : ageOf(duration);
      if (ageMs === undefined) return [];
      const holds = (usedAt: Date, now: Date): boolean => {
        const age = now.getTime() - usedAt.getTime();
        return operator === "<" ? age < ageMs : age > ageMs;
      };
      return [{ snapshot, holds }];
    });
}

/** When a snapshot's labels say that it was used. */
export function usedAts(labels: Labels): Date[] {
  return Object.entries(labels)
    .filter(([label]) => label.startsWith(usedAtPrefix))
    .map(([, value]) => new Date(value))
    .filter((date) => !Number.isNaN(date.getTime()));
}

/** A duration that cannot be read makes no condition. */
function ageOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
