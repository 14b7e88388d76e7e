import { readFileSync } from "node:fs";

/** `NAME=value` of `-e` and `--env-file`; a name alone passes this process's value on, if there is one. */
export function environmentOf(
  variables: readonly string[],
  files: readonly string[],
  own: NodeJS.ProcessEnv,
): string[] {
  const lines = files.flatMap((file) => readFileSync(file, "utf8").split("\n"));
  const wanted = [
    ...lines.map((line) => line.trimStart()).filter((line) => line !== "" && !line.startsWith("#")),
    ...variables,
  ];
  return wanted.flatMap((entry) => {
    if (entry.includes("=")) return [entry];
    const value = own[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}
