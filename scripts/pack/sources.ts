import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

/** The checkout's own folder. */
export const root = resolve(import.meta.dirname, "../..");

/** What a package's package.json says, as far as packing needs it. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const ours = "@slipway/";

/** The package.json of `packages/NAME`. */
export function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
}

/** A package of this checkout, by its folder's name, and all of this checkout that it needs. */
export function withDependencies(name: string, found = new Set<string>()): ReadonlySet<string> {
  found.add(name);
  for (const needed of Object.keys(manifestOf(name).dependencies ?? {})) {
    if (needed.startsWith(ours) && !found.has(basename(needed))) withDependencies(basename(needed), found);
  }
  return found;
}

/** Other people's packages that some of ours need: name to version. */
export function foreignDependencies(names: Iterable<string>): Record<string, string> {
  const all = [...names].flatMap((name) => Object.entries(manifestOf(name).dependencies ?? {}));
  return Object.fromEntries(all.filter(([name]) => !name.startsWith(ours)));
}

/**
 * The emitted file, `NAME/src/....js` below `emitted`, behind `@slipway/NAME/KEY`.
 * @throws {Error} for what the package does not export
 */
export function fileOf(specifier: string, emitted: string): string {
  const [, name = "", key = ""] = /^@slipway\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  for (const [pattern, path] of Object.entries(manifestOf(name).exports)) {
    const [before = "", after] = pattern.slice("./".length).split("*");
    const isMatch = after === undefined ? key === before : key.startsWith(before) && key.endsWith(after);
    if (!isMatch) continue;
    const star = after === undefined ? "" : key.slice(before.length, key.length - after.length);
    const file = join(emitted, name, path.replace("*", star).replace(/\.ts$/, ".js"));
    if (existsSync(file)) return file;
  }
  throw new Error(`Cannot pack: ${specifier} is not exported`);
}
