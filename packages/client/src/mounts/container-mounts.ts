import type { ImageConfig } from "@slipway/oci/image";
import type { MountSpec } from "@slipway/oci/runtime-spec";
import type { Creation } from "../own-files/creation.ts";
import type { HostDirectories } from "../own-files/host-directories.ts";
import { VolumeDirectories } from "../volumes/volume-directories.ts";
import { arrangeMounts } from "./arrange-mounts.ts";
import { imageVolumes } from "./image-volumes.ts";
import { resolveInside } from "./inside-rootfs.ts";
import { makeMounts } from "./make-mounts.ts";
import type { MountRequest } from "./mount-request.ts";

export interface ContainerMountsOptions {
  readonly directories: HostDirectories;
  readonly creation: Creation;
  readonly image?: ImageConfig;
  /** Where the container's root file system is mounted, to be read. */
  readonly rootfs: string;
  readonly requested: readonly MountRequest[];
  /** Replaced by requests, and by nothing else. */
  readonly given: readonly MountRequest[];
}

/** Until its scope is left no volume that is mounted is removed: the container has to be created in it. */
export interface ContainerMounts extends Disposable {
  readonly mounts: readonly MountSpec[];
}

/**
 * The mounts of a new container beside those that every container has, in their order: what the user asks for, the
 * volumes of the image, and what the house brings. Volumes are created and filled.
 * @throws {Fault} `invalid_argument` for two mounts at one place, `not_found` for a source that does not exist
 */
export async function containerMounts(options: ContainerMountsOptions): Promise<ContainerMounts> {
  const { directories, creation, image, rootfs, requested } = options;
  const given = [...options.given, ...imageVolumes(image)];
  const isPlain = requested.length === 0 && given.every(({ type }) => type === "plain");
  const arranged = arrangeMounts({
    requested,
    given,
    resolve: isPlain ? (target) => target : (target) => resolveInside(rootfs, target),
  });
  const volumes = new VolumeDirectories(directories.volumes);
  using stack = new DisposableStack();
  if (arranged.some(({ type }) => type === "volume")) stack.use(await volumes.lockForUse());
  const mounts = await makeMounts(arranged, { creation, volumes, rootfs });
  const held = stack.move();
  return { mounts, [Symbol.dispose]: () => held.dispose() };
}
