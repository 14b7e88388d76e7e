import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test. Disposing of it unmounts what is mounted below, and removes it. */
export class TestFolder implements Disposable {
  readonly path: string;

  constructor(name = "test", parent = tmpdir()) {
    this.path = mkdtempSync(join(parent, `slipway-${name}-`));
  }

  join(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  [Symbol.dispose](): void {
    for (const point of mountsBelow(this.path).toReversed()) execFileSync("umount", ["-l", point]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Mount points below `path`, in the order in which they were mounted. */
function mountsBelow(path: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point === path || point.startsWith(`${path}/`));
}
