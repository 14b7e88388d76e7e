import type { Container } from "@slipway/core/containers";
import type { BundleSpec } from "./bundle-spec.ts";

/** Containers that may share a shim. */
export interface ShimGroup {
  readonly namespace: string;
  /** What holds them together, such as a pod; "" for those of the namespace that belong to none. */
  readonly name: string;
}

/** containerd's own annotation, and a pod's. */
const groupNames = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

export function shimGroup(
  namespace: string,
  { labels, sandboxId }: Container,
  spec: BundleSpec | undefined,
): ShimGroup {
  const name = groupNames.map((key) => spec?.annotations[key] ?? labels[key]).find(Boolean);
  return { namespace, name: name ?? sandboxId };
}
