import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import { readMessage } from "@slipway/rpc/read-message";
import type { BundleSpec } from "./bundle-spec.ts";

/** Containers that may share a shim. */
export interface ShimGroup {
  readonly namespace: string;
  /** What holds them together, such as a pod; "" for those of the namespace that belong to none. */
  readonly name: string;
  /** The cgroup that their shim is to be in, where runc's options name one. */
  readonly cgroup?: string;
}

/** containerd's own annotation, and a pod's. */
const groupNames = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

export function shimGroup(
  namespace: string,
  { labels, sandboxId, runtime }: Container,
  spec: BundleSpec | undefined,
  options: Any | undefined = runtime.options,
): ShimGroup {
  const name = groupNames.map((key) => spec?.annotations[key] ?? labels[key]).find(Boolean);
  const own = name ?? sandboxId;
  const cgroup = shimCgroup(options);
  if (cgroup === "") return { namespace, name: own };
  // Those that want their shim in the same place may share it.
  return { namespace, name: own === "" ? `in ${cgroup}` : own, cgroup };
}

function shimCgroup(options: Any | undefined): string {
  if (!options?.typeUrl.endsWith(OptionsSchema.typeName)) return "";
  return readMessage(OptionsSchema, options.value).shimCgroup;
}
