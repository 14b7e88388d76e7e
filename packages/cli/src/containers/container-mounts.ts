import { volumeNameOf } from "@slipway/client/container-volumes";
import { isEtcFile } from "@slipway/client/etc-files";
import { ownDirectory } from "@slipway/client/host-directories";
import { specFieldOf } from "@slipway/client/spec-any";
import type { Container } from "@slipway/core/containers";
import { readMount } from "@slipway/oci/documents/runtime-spec";
import type { MountSpec } from "@slipway/oci/runtime-spec";

/** Something of this machine that a container mounts. */
export interface ContainerMount {
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
  /** Of a volume. */
  readonly name?: string;
}

/** What a container has of the host's without being asked for it, with a propagation it is the user's. */
const houseMounts: ReadonlySet<string> = new Set([
  "/dev/shm",
  "/dev/mqueue",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/sbin/docker-init",
]);
const propagation = /^r?(?:private|shared|slave)$/;

/** What the user, or the image, has mounted from this machine. */
export function mountsOfContainer(container: Pick<Container, "id" | "labels" | "spec">): ContainerMount[] {
  if (!container.spec) return [];
  const directory = ownDirectory(container);
  return specFieldOf(container)
    .get("mounts")
    .list(readMount)
    .filter((mount) => isBind(mount) && !isHouseMount(mount) && !isEtcFile(directory, mount))
    .map((mount): ContainerMount => {
      const { source = "", destination: target, options = [] } = mount;
      const name = volumeNameOf(container, mount);
      return { source, target, options, ...(name === undefined ? {} : { name }) };
    });
}

export function propagationOf({ options }: ContainerMount): string {
  return options.find((option) => propagation.test(option)) ?? "";
}

export function isReadOnly({ options }: ContainerMount): boolean {
  return options.includes("ro") || options.includes("rro");
}

/** Other clients leave the type out. */
function isBind({ type, options = [] }: MountSpec): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

function isHouseMount({ source, destination, options = [] }: MountSpec): boolean {
  if (!houseMounts.has(destination)) return false;
  return (
    !options.some((option) => propagation.test(option)) ||
    (source === destination && destination.startsWith("/etc/"))
  );
}
