import { type Labels, withListItem } from "@slipway/core/labels";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isConfig, isLayer, isManifest } from "@slipway/oci/media-types";

/** By which the collector finds what an index or a manifest points to: containerd's core/images/mediatypes.go, ChildGCLabels. */
export function childLabels(children: readonly Descriptor[]): Labels {
  const counts = new Map<string, number>();
  return Object.fromEntries(
    children.map(({ mediaType, digest }) => {
      const key = labelOf(mediaType);
      const index = counts.get(key) ?? 0;
      counts.set(key, index + 1);
      return [index > 0 || key.endsWith(".") ? `${key}${index}` : key, digest];
    }),
  );
}

function labelOf(mediaType: string): string {
  if (isConfig(mediaType)) return "containerd.io/gc.ref.content.config";
  if (isManifest(mediaType)) return "containerd.io/gc.ref.content.m.";
  if (isLayer(mediaType)) return "containerd.io/gc.ref.content.l.";
  return "containerd.io/gc.ref.content.";
}

const sourcePrefix = "containerd.io/distribution.source.";

/** Remembers where a blob came from, so that a push elsewhere at the same host can refer to it. */
export function sourceLabel(host: string, repository: string, before: Labels): Labels {
  return withListItem(before, sourcePrefix + host.replace(/:\d+$/, ""), repository);
}

/**
 * The repository at the same registry that a blob can be mounted from: of those that it came from the one whose path has
 * most in common with the target's. Nothing when it came from elsewhere.
 */
export function mountCandidate(host: string, repository: string, labels: Labels): string | undefined {
  const known = labels[sourcePrefix + host.replace(/:\d+$/, "")]?.split(",") ?? [];
  const parts = repository.split("/");
  const common = (other: string): number => {
    const differs = other.split("/").findIndex((part, index) => part !== parts[index]);
    return differs < 0 ? parts.length : differs;
  };
  return known
    .filter((other) => other !== repository && other !== "")
    .toSorted((a, b) => common(b) - common(a))
    .at(0);
}
