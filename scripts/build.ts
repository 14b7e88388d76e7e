/*
 * Usage: node scripts/build.ts [FOLDER]. Makes dist/, or that folder: each program and each thread in one file, which bin/ runs while no source is newer. One file, because a
 * process that runs for weeks must not look for parts that a later build took away. CommonJS, because an import of a
 * Node module loads all that the module would load lazily (bench/daemon-start.ts).
 */
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "rolldown";

const root = resolve(import.meta.dirname, "..");
const output = resolve(process.argv[2] ?? join(root, "dist"));

/** What a process or a thread starts with. */
const entries = [
  { name: "slipwayd", source: join(root, "packages/daemon/src/main.ts") },
  { name: "slipway", source: join(root, "packages/cli/src/main.ts") },
  { name: "slipway-logger", source: join(root, "packages/cli/src/logs/logger.ts") },
  { name: "containerd-shim-slipway-v1", source: join(root, "packages/shim/src/main.ts") },
  { name: "file-thread", source: join(root, "packages/layers/src/threads/file-worker.ts") },
  { name: "blob-thread", source: join(root, "packages/layers/src/threads/blob-worker.ts") },
  { name: "checkpoint-thread", source: join(root, "packages/plugins/src/store-sqlite/checkpoint-worker.ts") },
] as const;

/** Code finds other entries in dist/, and everything else where it is from its own source. */
const places: Plugin = {
  name: "places",
  transform: {
    filter: { code: "import.meta" },
    handler(code, id) {
      return code
        .replaceAll(/new URL\("([^"]+\.ts)", import\.meta\.url\)/g, (_, path: string) => {
          const entry = entries.find(({ source }) => source === resolve(dirname(id), path));
          if (!entry) throw new Error(`${id}: ${path} is no entry of the build`);
          return urlOf(`${entry.name}.cjs`);
        })
        .replaceAll("import.meta.url", `${urlOf(relative(output, id))}.href`)
        .replaceAll("import.meta.dirname", `${urlOf(relative(output, dirname(id)))}.pathname`);
    },
  },
};

/** Code for the URL of what is at `path` from dist/. */
function urlOf(path: string): string {
  return `new URL(${JSON.stringify(path)}, "file://" + __filename)`;
}

/** Says which commit it is; sources without their history have none. */
const stamp: Plugin = {
  name: "stamp",
  transform: {
    filter: { code: 'process.env["SLIPWAY_REVISION"]' },
    handler: (code) =>
      code.replaceAll('process.env["SLIPWAY_REVISION"]', JSON.stringify(revision()) ?? "undefined"),
  },
};

/** As containerd has it: `.m` for what differs from the commit. */
function revision(): string | undefined {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    if (resolve(git("rev-parse", "--show-toplevel")) !== root) return undefined;
    return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") === "" ? "" : ".m"}`;
  } catch {
    return undefined;
  }
}

// What changes while this runs is newer than what this makes.
const begun = new Date();
for (const { name, source } of entries) {
  const file = join(output, `${name}.cjs`);
  await build({
    input: source,
    platform: "node",
    external: ["koffi"],
    plugins: [places, stamp],
    checks: { ineffectiveDynamicImport: false },
    onLog(level, { message }) {
      if (level === "warn") throw new Error(message);
    },
    output: { file: `${file}.new`, format: "cjs", codeSplitting: false },
  });
  utimesSync(`${file}.new`, begun, begun);
  renameSync(`${file}.new`, file);
}

/**
 * The shim in one file that may be copied or linked anywhere on this machine: a shell script to the system, and the program
 * to Node, which takes the first line for a comment and the second for a string. It names this tree, for Node itself and its
 * native code.
 */
function writeMovableShim(): void {
  const name = "containerd-shim-slipway-v1";
  const [, flags] =
    /exec "\$node" (.*) "\$code" "\$@"/.exec(readFileSync(join(root, "bin", name), "utf8")) ?? [];
  if (flags === undefined) throw new Error(`bin/${name}: cannot find the flags that it gives to Node`);
  const quoted = `'${root.replaceAll("'", String.raw`'\''`)}'`;
  const steps = [
    `":" //`,
    `root=${quoted}`,
    '. "$root/scripts/launch.sh"',
    "find_node",
    "keep_compiled shim /var/cache/slipway",
    `exec "$node" ${flags} "$0" "$@"`,
  ];
  const here = JSON.stringify(pathToFileURL(join(output, name)).href);
  const code = readFileSync(join(output, `${name}.cjs`), "utf8")
    .replaceAll('"file://" + __filename', here)
    // The server that it leaves behind is itself again, wherever it is.
    .replaceAll(`new URL("${name}.cjs", ${here})`, 'new URL("file://" + __filename)');
  const file = join(output, name);
  writeFileSync(`${file}.new`, `#!/bin/sh\n${steps.join("; ")}\n${code}`);
  chmodSync(`${file}.new`, 0o755);
  utimesSync(`${file}.new`, begun, begun);
  renameSync(`${file}.new`, file);
  // Without it, Node would take a program without an ending for a module of this project's kind.
  writeFileSync(join(output, "package.json"), '{ "type": "commonjs" }\n');
}
writeMovableShim();
