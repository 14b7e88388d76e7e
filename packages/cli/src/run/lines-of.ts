import { readFileSync } from "node:fs";

/** The lines of `--env-file` and `--label-file`, without those that are empty or a comment. */
export function linesOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
