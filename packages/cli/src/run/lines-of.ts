import { readTextFile } from "../format/read-text-file.ts";

/**
 * The lines of `--env-file` and `--label-file`, without those that are empty or a comment.
 * @param what is named in errors, such as `environment file`
 * @throws {Fault} `invalid_argument` for a file that cannot be read
 */
export function linesOf(what: string, file: string): string[] {
  return readTextFile(`${what} "${file}"`, file)
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
