/*
 * Makes the client's packages as npm has them: JavaScript and its types, because Node runs no TypeScript below
 * node_modules. Usage: node scripts/pack.ts [FOLDER], dist/npm unless told. Prints the archives.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly type: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, "..");
const output = resolve(process.argv[2] ?? join(root, "dist/npm"));
const emitted = join(output, "emitted");

rmSync(output, { recursive: true, force: true });
const compiler = join(root, "node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.npm.json"), "--outDir", emitted], {
  stdio: "inherit",
});
for (const name of withDependencies("client")) {
  const folder = join(output, name);
  layOut(name, folder);
  const args = ["pack", "--silent", "--pack-destination", output];
  console.log(join(output, execFileSync("npm", args, { cwd: folder, encoding: "utf8" }).trim()));
  rmSync(folder, { recursive: true });
}
rmSync(emitted, { recursive: true });

/** A package of ours and all of ours that it needs. */
function withDependencies(name: string, found = new Set<string>()): ReadonlySet<string> {
  found.add(name);
  const needed = Object.keys(manifestOf(name).dependencies ?? {}).filter((one) =>
    one.startsWith("@slipway/"),
  );
  for (const one of needed.map((path) => basename(path))) if (!found.has(one)) withDependencies(one, found);
  return found;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
}

function layOut(name: string, folder: string): void {
  mkdirSync(folder);
  cpSync(join(emitted, name, "src"), join(folder, "src"), { recursive: true });
  for (const path of globSync("src/**/*.js", { cwd: folder })) nameThreads(join(folder, path));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const readme = join(root, "packages", name, "README.md");
  if (existsSync(readme)) cpSync(readme, join(folder, "README.md"));
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify(published(manifestOf(name)), undefined, 2)}\n`,
  );
}

/** The compiler leaves the names of threads' files as they are. */
function nameThreads(path: string): void {
  const code = readFileSync(path, "utf8");
  const named = code.replaceAll(
    /new URL\("([^"]+)\.ts", import\.meta\.url\)/g,
    'new URL("$1.js", import.meta.url)',
  );
  if (named !== code) writeFileSync(path, named);
}

function published({ name, version, description, license, type, exports, dependencies }: Manifest): object {
  const compiled = ([key, path]: [string, string]): [string, object] => {
    const stem = path.replace(/\.ts$/, "");
    return [key, { types: `${stem}.d.ts`, default: `${stem}.js` }];
  };
  return {
    name,
    version,
    description,
    license,
    type,
    os: ["linux"],
    // `await using`
    engines: { node: ">=24" },
    exports: Object.fromEntries(Object.entries(exports).map(compiled)),
    dependencies,
  };
}
