import { closeSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { cloneMount } from "@slipway/linux/fsmount";
import { mountAll } from "@slipway/linux/mount";

/** A root file system that can be looked at, by this process alone, until its scope is left. */
export interface MountedRootfs extends Disposable {
  readonly path: string;
}

/**
 * Mounts a root file system, to be read only. It is attached nowhere but to an open file, so that it goes with this process
 * however that ends.
 */
export function mountReadOnly(mounts: readonly Mount[]): MountedRootfs {
  const fd = detached(mounts);
  return { path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
}

/** Mounts need a path to be made at, but no longer than this takes. */
function detached(mounts: readonly Mount[]): number {
  const path = mkdtempSync(join(tmpdir(), "slipway-rootfs-"));
  using stack = new DisposableStack();
  // Without recursion: should the unmounting fail, this must not delete what is mounted.
  stack.defer(() => rmdirSync(path));
  stack.use(mountAll(mounts.map(readOnly), path));
  return cloneMount(path, true);
}

function readOnly(request: Mount): Mount {
  return { ...request, options: [...request.options.filter((option) => option !== "rw"), "ro"] };
}
