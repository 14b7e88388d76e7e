import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

const root = resolve(import.meta.dirname, "../..");
const { execPath } = process;
/** The oldest Node that the package says it runs on; scripts/test.sh brings it. */
const [oldest] = globSync(join(root, ".tools/node-22/node_modules/*/bin/node"));
const nodes = [
  { version: "the project's Node", node: execPath, skip: false },
  {
    version: "the oldest Node",
    node: oldest ?? "",
    skip: oldest === undefined && "Node 22 is not in .tools: scripts/test.sh brings it",
  },
] as const;

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** What README shows, with types that somebody else's strict project sees. */
const work = `
async function main(): Promise<void> {
  const [address = "", image = ""] = process.argv.slice(2);
  await using client: Client = connect({ address });
  await pull(client, image);
  await using container = await runContainer(client, image, { args: ["sleep", "1000"], env: { A: "b" } });
  const exec = await container.exec(["sh", "-c", "echo from $0; exit 3", "npm"]);
  const { exitCode, stdout }: ProcessOutput = await exec.output();
  const failed = await container.exec(["nope"]).then(String, (error: unknown) => hasCode(error, "not_found"));
  const names = (await client.images.list()).map(({ name }) => name);
  console.log(JSON.stringify([exitCode, String(stdout), names, failed]));
}
void main();
`;
const consumers = {
  "consumer.mts": `
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { hasCode } from "@slipway/client/fault";
import { pull } from "@slipway/client/pull";
import { runContainer } from "@slipway/client/run";
import type { ProcessOutput } from "@slipway/client/running-process";
${work}`,
  "consumer.cts": `
import client = require("@slipway/client/client");
import { connect } from "@slipway/client/connect";
import { hasCode } from "@slipway/client/fault";
import { pull } from "@slipway/client/pull";
import { runContainer } from "@slipway/client/run";
import running = require("@slipway/client/running-process");
type Client = client.Client;
type ProcessOutput = running.ProcessOutput;
${work}`,
};

/** The examples of its README, one after the other, as one program. */
function readme(): string {
  const text = readFileSync(join(root, "packages/client/README.md"), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join("");
}

describe("the package that npm gets", () => {
  const folder = new TestFolder("npm");
  const modules = folder.join("node_modules");
  const installed = join(modules, "@slipway/client");
  let manifest: Manifest;

  before(async () => {
    const packed = await output(execPath, [join(root, "scripts/pack/pack.ts"), folder.join("packed")], {
      timeoutMs: 120_000,
    });
    // As npm puts it there; what is not ours comes from where this project has it.
    mkdirSync(installed, { recursive: true });
    await output("tar", ["xzf", packed.trim(), "-C", installed, "--strip-components=1"]);
    manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Manifest;
    const needed = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const name of [...Object.keys(needed), "@types/node", "undici-types"]) linkFromHere(name);
    writeFileSync(folder.join("package.json"), "{}");
    for (const [name, code] of Object.entries(consumers)) writeFileSync(folder.join(name), code);
    writeFileSync(folder.join("readme.mts"), readme());
  });
  after(() => folder[Symbol.dispose]());

  function linkFromHere(name: string): void {
    const path = join(modules, name);
    mkdirSync(dirname(path), { recursive: true });
    if (globSync(path).length === 0) symlinkSync(join(root, "node_modules", name), path);
  }

  it("has everything that it names, no tests, and needs nothing else of this project", () => {
    const files = globSync("**", { cwd: installed });
    assert.deepEqual(
      files.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path)),
      [],
    );
    for (const { types, default: code } of Object.values(manifest.exports)) {
      for (const path of [types, code]) assert.ok(existsSync(join(installed, path)), path);
    }
    const needed = { ...manifest.dependencies, ...manifest.optionalDependencies };
    assert.deepEqual(
      Object.keys(needed).filter((name) => name.startsWith("@slipway/")),
      [],
    );
    const imports = /(?:\bfrom |\bimport |\bimport\()"(@slipway[^"]*)"/;
    const strays = files.filter(
      (path) => /\.[jt]s$/.test(path) && imports.test(readFileSync(join(installed, path), "utf8")),
    );
    assert.deepEqual(strays, []);
  });

  it("has types for a strict project that checks those of its libraries as well, and the code to them", async () => {
    const options = { strict: true, module: "nodenext", target: "es2022", lib: ["esnext"], types: ["node"] };
    writeFileSync(
      folder.join("tsconfig.json"),
      JSON.stringify({
        compilerOptions: { ...options, exactOptionalPropertyTypes: true },
        files: [...Object.keys(consumers), "readme.mts"],
      }),
    );
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    assert.equal(await output(execPath, [compiler, "-p", folder.path], { timeoutMs: 120_000 }), "");
  });

  for (const { version, node, skip } of nodes) {
    it(`is loaded by import and by require, with ${version}`, { skip }, async () => {
      const names = Object.keys(manifest.exports).map((key) => `@slipway/client/${key.slice(2)}`);
      writeFileSync(
        folder.join("load.mjs"),
        names.map((name) => `import ${JSON.stringify(name)};`).join("\n"),
      );
      writeFileSync(
        folder.join("load.cjs"),
        names.map((name) => `require(${JSON.stringify(name)});`).join("\n"),
      );
      for (const file of ["load.mjs", "load.cjs"]) await output(node, [folder.join(file)]);
    });

    for (const program of programs) {
      it(`pulls and runs a container with ${program} and ${version}`, { skip }, async () => {
        await using daemon = await TestDaemon.start(program);
        await using registry = await TestRegistry.start();
        const image = await pushBusybox(registry.host);
        for (const file of ["consumer.mjs", "consumer.cjs"]) {
          const printed = await output(node, [folder.join(file), daemon.address, image]);
          assert.deepEqual(JSON.parse(printed), [3, "from npm\n", [image], true]);
        }
      });
    }
  }

  it("pulls without the package for system calls, and says that it is missing when a container is run", async () => {
    using apart = new TestFolder("npm-apart");
    const bare = apart.join("node_modules");
    mkdirSync(join(bare, "@slipway"), { recursive: true });
    await output("cp", ["-r", installed, join(bare, "@slipway/client")]);
    for (const name of Object.keys(manifest.dependencies)) {
      mkdirSync(dirname(join(bare, name)), { recursive: true });
      await output("cp", ["-rL", join(root, "node_modules", name), join(bare, name)]);
    }
    const script = `
import { connect } from "@slipway/client/connect";
import { pull } from "@slipway/client/pull";
import { runContainer } from "@slipway/client/run";
const [address, image] = process.argv.slice(2);
const client = connect({ address });
await pull(client, image);
await runContainer(client, image, { args: ["true"] }).catch((error) => console.log(error.code, error.message));
await client[Symbol.asyncDispose]();
`;
    writeFileSync(apart.join("pull.mjs"), script);
    await using daemon = await TestDaemon.start("slipwayd");
    await using registry = await TestRegistry.start();
    const image = await pushBusybox(registry.host);
    const printed = await output(execPath, [apart.join("pull.mjs"), daemon.address, image]);
    assert.match(printed, /^failed_precondition Cannot .*"koffi" is not installed/);
  });
});
