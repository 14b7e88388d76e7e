/*
 * Makes the client's package as npm has it: JavaScript and its types, because Node runs no TypeScript below node_modules.
 * What the client needs of this checkout is inside, so that one package is installed and not thirteen. `using` is
 * compiled to what Node 22 runs. Usage: node scripts/pack/pack.ts [FOLDER]; the default is dist/npm. Prints the archive.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "rolldown";
import { Layout } from "./lay-out.ts";
import { fileOf, foreignDependencies, manifestOf, root, withDependencies } from "./sources.ts";

/** Values that the client's own functions take and return, and their errors. */
const vocabulary = [
  "@slipway/fault/fault",
  "@slipway/images/image-config",
  "@slipway/oci/descriptor",
  "@slipway/oci/digest",
  "@slipway/oci/platform",
  "@slipway/oci/reference",
];
const disposableStack = "disposable-stack.js";

const compiler = join(root, "node_modules/typescript/bin/tsc");
if (!existsSync(compiler)) {
  console.error(
    "Cannot pack: TypeScript is not installed; run npm ci in the project's folder, which brings it",
  );
  process.exit(1);
}
const output = resolve(process.argv[2] ?? join(root, "dist/npm"));
const emitted = join(output, "emitted");
const folder = join(output, "client");
rmSync(output, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.npm.json"), "--outDir", emitted], {
  stdio: "inherit",
});

const layout = new Layout(emitted, folder, disposableStack);
const manifest = manifestOf("client");
const own = Object.keys(manifest.exports).map((key) => [key, `@slipway/client/${key.slice(2)}`] as const);
const further = vocabulary.map((one) => [`./${one.split("/").at(-1)}`, one] as const);
const exports = [...own, ...further].map(([key, specifier]) => {
  const place = layout.add(fileOf(specifier, emitted));
  return [key, { types: `./${place.replace(/\.js$/, ".d.ts")}`, default: `./${place}` }] as const;
});
await build({
  input: join(root, "scripts/pack/disposable-stack.ts"),
  platform: "node",
  output: { file: join(folder, disposableStack), format: "esm" },
  logLevel: "warn",
});
const { koffi, ...dependencies } = foreignDependencies(withDependencies("client"));
const { name, version, description, license } = manifest;
writeJson(join(folder, "package.json"), {
  name,
  version,
  description,
  license,
  type: "module",
  os: ["linux"],
  // `require` of modules, and zstd in node:zlib.
  engines: { node: ">=22.15" },
  exports: Object.fromEntries(exports),
  dependencies,
  // System calls: for containers' streams. Pulls, pushes and the stores work without.
  optionalDependencies: { koffi },
});
cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
cpSync(join(root, "packages/client/README.md"), join(folder, "README.md"));
const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", output], {
  cwd: folder,
  encoding: "utf8",
});
console.log(join(output, packed.trim()));
rmSync(folder, { recursive: true });
rmSync(emitted, { recursive: true });

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
