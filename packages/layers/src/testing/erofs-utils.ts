import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

// What scripts/test.sh fetches, for systems whose own is older.
const fetched = join(import.meta.dirname, "../../../../.tools/bin");
// Earlier ones cannot read blocks of 512 bytes, or crash over the checksum of a superblock in such a block.
const needed = [1, 9] as const;
const folder = [fetched, "/usr/bin", "/usr/sbin"].find(isNewEnough);

/** Why EROFS images are not compared with those of erofs-utils here, or nothing where they are. */
export const whyNoErofsUtils =
  folder === undefined
    ? `no erofs-utils ${needed.join(".")} or later are here: see scripts/test.sh`
    : undefined;

/** Has fsck.erofs read an image, with what `options` say. Without the program it does nothing. */
export function fsckImage(path: string, ...options: readonly string[]): void {
  if (folder !== undefined) run("fsck.erofs", ...options, path);
}

/** Has mkfs.erofs make an image of a directory, or of a tar. */
export function mkfsImage(path: string, from: string, ...options: readonly string[]): void {
  run("mkfs.erofs", ...options, path, from);
}

function run(program: string, ...options: readonly string[]): void {
  execFileSync(join(folder ?? "", program), options, { stdio: ["ignore", "pipe", "pipe"] });
}

function isNewEnough(at: string): boolean {
  const said = spawnSync(join(at, "fsck.erofs"), ["-V"]).stdout?.toString() ?? "";
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(said)?.[0] ?? "0.0").split(".").map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}
