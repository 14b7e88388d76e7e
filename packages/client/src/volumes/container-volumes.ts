import { join } from "node:path";
import type { Container } from "@slipway/core/containers";
import { isAnonymous } from "@slipway/core/volumes";
import { hasCode } from "@slipway/fault/fault";
import type { MountSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";
import { directoriesOfContainer } from "../own-files/host-directories.ts";
import { specOf } from "../spec/spec-any.ts";
import { VolumeDirectories } from "./volume-directories.ts";

/** nerdctl's label for the names of the volumes that it created with a container: a list in JSON. */
const anonymousVolumesLabel = "nerdctl/anonymous-volumes";

/** The name of the volume that a container mounts there; undefined for another mount. */
export function volumeNameOf(
  container: Pick<Container, "id" | "labels">,
  mount: MountSpec,
): string | undefined {
  const root = directoriesOfContainer(container)?.volumes;
  const [, name] = /^.*\/([^/]+)\/_data$/.exec(mount.source ?? "") ?? [];
  return name !== undefined && root !== undefined && mount.source === join(root, name, "_data")
    ? name
    : undefined;
}

/** The names of the volumes that a container mounts. */
export function volumesOf(container: Pick<Container, "id" | "labels" | "spec">): string[] {
  if (!container.spec) return [];
  // Other clients' specs may have none.
  const spec: Partial<RuntimeSpec> = specOf(container);
  const names = (spec.mounts ?? []).map((mount) => volumeNameOf(container, mount));
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Removes the volumes that were created with a container and have no name of their own. The container is gone. */
export async function removeAnonymousVolumes(
  container: Pick<Container, "id" | "labels" | "spec">,
): Promise<void> {
  const root = directoriesOfContainer(container)?.volumes;
  if (root === undefined) return;
  const store = new VolumeDirectories(root);
  const names = volumesOf(container);
  if (names.length === 0) return;
  using _ = await store.lockForRemoval();
  for (const name of names) {
    try {
      const isOwn = isAnonymous(await store.get(name)) || nerdctlVolumes(container).includes(name);
      if (isOwn) await store.remove(name);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
  }
}

function nerdctlVolumes({ labels }: Pick<Container, "labels">): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(labels[anonymousVolumesLabel] ?? "[]");
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
