import { createHash } from "node:crypto";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { Container } from "@slipway/core/containers";

/**
 * Where clients of a daemon keep what belongs to its containers and volumes, on the daemon's machine. They survive the
 * daemon and the machine's reboot. The layout is nerdctl's (its docs/dir.md), below a root of our own.
 */
export interface HostDirectories {
  /** The root of all volumes of the namespace. */
  readonly volumes: string;
  /** One file for each container of the namespace that is being created. */
  readonly creations: string;
  /** A container's own directory: its log, health results, checkpoints and files of /etc. */
  container(id: string): string;
}

/** nerdctl's label for a container's own directory. */
export const directoryLabel = "nerdctl/state-dir";

/** `address` is the daemon's; the directories of several daemons of one machine must not meet. */
export function hostDirectories(
  address: string,
  namespace: string,
  root = process.env["SLIPWAY_ROOT"] ?? "/var/lib/slipway",
): HostDirectories {
  const socket = address.replace(/^unix:(\/\/)?/, "");
  const daemon = createHash("sha256").update(socket).digest("hex").slice(0, 8);
  return directoriesOf(join(root, "cli", daemon), namespace);
}

/** The directories that a container's labels name; undefined for a container of a client that has none. */
export function directoriesOfContainer(
  container: Pick<Container, "id" | "labels">,
): HostDirectories | undefined {
  const own = ownDirectory(container);
  if (own === undefined) return undefined;
  const namespace = dirname(own);
  return directoriesOf(dirname(dirname(namespace)), basename(namespace));
}

/**
 * A container's own directory by its label, which nerdctl writes, too. It bears the container's id as its name, so that a
 * label cannot name another.
 */
export function ownDirectory({ id, labels }: Pick<Container, "id" | "labels">): string | undefined {
  const directory = labels[directoryLabel];
  return directory !== undefined && isAbsolute(directory) && basename(directory) === id
    ? directory
    : undefined;
}

function directoriesOf(data: string, namespace: string): HostDirectories {
  return {
    volumes: join(data, "volumes", namespace),
    creations: join(data, "creations", namespace),
    container: (id) => join(data, "containers", namespace, id),
  };
}
