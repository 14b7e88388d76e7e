import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

// What scripts/test.sh fetches, for systems whose own is older.
const fetched = join(import.meta.dirname, "../../../../.tools/bin/fsck.erofs");
// Earlier ones cannot read blocks of 512 bytes, or crash over the checksum of a superblock in such a block.
const needed = [1, 9] as const;
const program = [fetched, "fsck.erofs"].find(canReadLayers);

/** Why layer images are not checked with fsck.erofs here, or nothing where they are. */
export const whyNoFsck =
  program === undefined
    ? `no fsck.erofs ${needed.join(".")} or later is here: see scripts/test.sh`
    : undefined;

/** Has fsck.erofs read an image, with what `options` say. Without the program it does nothing. */
export function fsckImage(path: string, ...options: readonly string[]): void {
  if (program === undefined) return;
  execFileSync(program, [...options, path], { stdio: ["ignore", "pipe", "pipe"] });
}

function canReadLayers(name: string): boolean {
  const said = spawnSync(name, ["-V"]).stdout?.toString() ?? "";
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(said)?.[0] ?? "0.0").split(".").map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}
