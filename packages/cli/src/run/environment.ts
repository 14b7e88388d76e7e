import { Fault } from "@slipway/fault/fault";
import { linesOf } from "./lines-of.ts";

/**
 * `NAME=value` of `-e` and `--env-file`. A name alone passes this process's value on; without one it stays alone, which
 * removes what the image or the container has: https://docs.docker.com/reference/cli/docker/container/run/#env
 * @throws {Fault} `invalid_argument` for a line that names no variable
 */
export function environmentOf(
  variables: readonly string[],
  files: readonly string[],
  own: NodeJS.ProcessEnv,
): string[] {
  for (const variable of variables) {
    if (!/^[^=]/.test(variable)) {
      throw new Fault("invalid_argument", `Cannot set environment variable "${variable}": it has no name`);
    }
  }
  const wanted = [...files.flatMap(variablesOf), ...variables];
  return wanted.map((entry) => {
    const value = entry.includes("=") ? undefined : own[entry];
    return value === undefined ? entry : `${entry}=${value}`;
  });
}

/** The lines of a file that name variables. */
function variablesOf(file: string): string[] {
  const lines = linesOf("environment file", file);
  for (const line of lines) {
    const [name = ""] = line.split("=", 1);
    if (name === "" || /\s/.test(name)) {
      const why = `"${name}" is no variable's name`;
      throw new Fault("invalid_argument", `Cannot read environment file "${file}": ${why}`);
    }
  }
  return lines;
}
