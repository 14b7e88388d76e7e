import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { mountAll } from "@slipway/linux/mount";

/** A root file system that can be looked at until its scope is left. */
export interface MountedRootfs extends Disposable {
  readonly path: string;
}

/** Mounts a root file system in a directory of its own, to be read only. */
export function mountReadOnly(mounts: readonly Mount[]): MountedRootfs {
  const path = mkdtempSync(join(tmpdir(), "slipway-rootfs-"));
  using stack = new DisposableStack();
  // Without recursion: should the unmounting fail, this must not delete what is mounted.
  stack.defer(() => rmdirSync(path));
  stack.use(mountAll(mounts.map(readOnly), path));
  const undo = stack.move();
  return { path, [Symbol.dispose]: () => undo.dispose() };
}

function readOnly(request: Mount): Mount {
  return { ...request, options: [...request.options.filter((option) => option !== "rw"), "ro"] };
}
