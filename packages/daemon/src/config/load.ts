import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { asTable, type Table } from "@slipway/core/config/table-reader";
import { during, Fault } from "@slipway/fault/fault";
import { parse } from "smol-toml";
import { newestVersion } from "./config.ts";
import { migrate } from "./migrate.ts";

/**
 * Reads a config.toml and what it imports, each brought to the newest version, as one table.
 * Arrays are appended, plugin and other tables are merged key by key, other values are replaced: the import wins.
 * @throws {Fault} `invalid_argument` for a file that is no TOML or of a version that is not known, `not_found`
 */
export function loadTables(path: string, seen: Set<string> = new Set()): Table {
  const file = resolve(path);
  seen.add(file);
  let tables = migrate(...parseFile(file));
  const imports = tables["imports"];
  if (!Array.isArray(imports)) return tables;
  for (const pattern of imports) {
    const wanted = String(pattern);
    for (const found of expand(isAbsolute(wanted) ? wanted : join(dirname(file), wanted))) {
      if (!seen.has(found)) tables = merge(tables, loadTables(found, seen));
    }
  }
  return { ...tables, imports: [...seen] };
}

function parseFile(file: string): [Table, number] {
  let tables: Table;
  try {
    tables = parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new Fault("not_found", `Cannot read "${file}": there is no such file`, { cause: error });
    }
    throw new Fault("invalid_argument", during(`read "${file}"`, error).message, { cause: error });
  }
  // Files from before versions had numbers are of version 1.
  const version = tables["version"] === undefined ? 1 : Number(tables["version"]);
  if (!Number.isInteger(version) || version < 0 || version > newestVersion) {
    throw new Fault(
      "invalid_argument",
      `Cannot read "${file}": expected containerd config version equal to or less than \`${newestVersion}\`, got \`${version}\``,
    );
  }
  return [tables, version];
}

/** Stars stand for parts of a file's name, as in Go's filepath.Glob; a pattern that matches nothing is no error. */
function expand(pattern: string): string[] {
  if (!/[*?[]/.test(pattern)) return [pattern];
  const name = new RegExp(
    `^${basename(pattern)
      .replaceAll(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
  const folder = dirname(pattern);
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .sort()
      .map((entry) => join(folder, entry));
  } catch {
    return [];
  }
}

/** `over` on top of `under`. */
export function merge(under: Table, over: Table): Table {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    if (Array.isArray(value) && Array.isArray(before))
      merged[key] = [...new Set<unknown>([...before, ...value])];
    else if (isTable(value) && isTable(before)) merged[key] = merge(asTable(before), asTable(value));
    else merged[key] = value;
  }
  return merged;
}

function isTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
