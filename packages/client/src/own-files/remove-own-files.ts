import { rm } from "node:fs/promises";
import type { Container } from "@slipway/core/containers";
import { removeAnonymousVolumes } from "../volumes/container-volumes.ts";
import { ownDirectory } from "./host-directories.ts";

/**
 * Removes what belongs to a container that is gone: its own directory, and with `volumes` the volumes that were created with
 * it and have no name of their own.
 */
export async function removeOwnFiles(
  container: Pick<Container, "id" | "labels" | "spec">,
  { volumes }: { readonly volumes: boolean },
): Promise<void> {
  if (volumes) await removeAnonymousVolumes(container);
  const directory = ownDirectory(container);
  // The shim may still compress a part of the log.
  if (directory !== undefined) await rm(directory, { recursive: true, force: true, maxRetries: 10 });
}
