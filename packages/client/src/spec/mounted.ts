import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { mountAll } from "@slipway/linux/mount";

/** Lets `work` look into a root file system that is not mounted yet. */
export function withMounted<T>(mounts: readonly Mount[], work: (root: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "slipway-rootfs-"));
  try {
    using _ = mountAll(mounts.map(readOnly), folder);
    return work(folder);
  } finally {
    // Without recursion: should the unmounting fail, this must not delete what is mounted.
    rmdirSync(folder);
  }
}

function readOnly(request: Mount): Mount {
  return { ...request, options: [...request.options.filter((option) => option !== "rw"), "ro"] };
}
