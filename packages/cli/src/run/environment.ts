import { readFileSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";

/**
 * `NAME=value` of `-e` and `--env-file`; a name alone passes this process's value on, if there is one.
 * @throws {Fault} `invalid_argument` for a line that names no variable
 */
export function environmentOf(
  variables: readonly string[],
  files: readonly string[],
  own: NodeJS.ProcessEnv,
): string[] {
  const wanted = [...files.flatMap(linesOf), ...variables];
  return wanted.flatMap((entry) => {
    if (entry.includes("=")) return [entry];
    const value = own[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

function linesOf(file: string): string[] {
  const lines = readFileSync(file, "utf8")
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) {
    const [name = ""] = line.split("=", 1);
    if (name === "" || /\s/.test(name)) {
      throw new Fault(
        "invalid_argument",
        `Cannot read environment file "${file}": "${name}" is no variable's name`,
      );
    }
  }
  return lines;
}
