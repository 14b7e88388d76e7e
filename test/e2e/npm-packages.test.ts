import assert from "node:assert/strict";
import { globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

const root = resolve(import.meta.dirname, "../..");
const { execPath } = process;

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What README shows, with types that somebody else's strict project sees. */
const consumer = `
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { pull } from "@slipway/client/pull";
import { runContainer } from "@slipway/client/run";
import type { ProcessOutput } from "@slipway/client/running-process";

const [address = "", image = ""] = process.argv.slice(2);
await using client: Client = connect({ address });
await pull(client, image);
await using container = await runContainer(client, image, { args: ["sleep", "1000"] });
const exec = await container.exec(["sh", "-c", "echo from $0; exit 3", "npm"]);
const { exitCode, stdout }: ProcessOutput = await exec.output();
console.log(JSON.stringify([exitCode, String(stdout), (await client.images.list()).map(({ name }) => name)]));
`;

describe("the packages that npm gets", () => {
  const folder = new TestFolder("npm");
  const modules = folder.join("node_modules");
  let names: readonly string[];

  before(async () => {
    const packed = await output(execPath, [join(root, "scripts/pack.ts"), folder.join("packed")], {
      timeoutMs: 120_000,
    });
    // As npm puts them there; what is not ours comes from where this project has it.
    for (const archive of packed.trim().split("\n")) {
      const [, name = ""] = /slipway-(\w+)-[\d.]+\.tgz$/.exec(archive) ?? [];
      const target = join(modules, "@slipway", name);
      mkdirSync(target, { recursive: true });
      await output("tar", ["xzf", archive, "-C", target, "--strip-components=1"]);
    }
    names = globSync("@slipway/*", { cwd: modules });
    for (const name of names) {
      for (const needed of Object.keys(manifestOf(name).dependencies ?? {})) linkFromHere(needed);
    }
    linkFromHere("@types/node");
    linkFromHere("undici-types");
    writeFileSync(folder.join("package.json"), '{ "type": "module" }');
    writeFileSync(folder.join("consumer.ts"), consumer);
  });
  after(() => folder[Symbol.dispose]());

  function manifestOf(name: string): Manifest {
    return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")) as Manifest;
  }

  function linkFromHere(name: string): void {
    const path = join(modules, name);
    mkdirSync(dirname(path), { recursive: true });
    if (globSync(path).length === 0) symlinkSync(join(root, "node_modules", name), path);
  }

  it("have everything that they name, and no tests", async () => {
    assert.ok(names.includes("@slipway/client"));
    for (const name of names) {
      const files = globSync("src/**", { cwd: join(modules, name) });
      assert.deepEqual(
        files.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path)),
        [],
      );
      const { exports } = manifestOf(name);
      for (const { types, default: code } of Object.values(exports)) {
        for (const path of [types, code]) {
          assert.notDeepEqual(
            globSync(path.replace("*", "**/*"), { cwd: join(modules, name) }),
            [],
            `${name} ${path}`,
          );
        }
      }
    }
    const paths = names.flatMap((name) =>
      Object.keys(manifestOf(name).exports)
        .filter((path) => !/\*|conformance/.test(path))
        .map((path) => join(name, path)),
    );
    const load = `for (const path of ${JSON.stringify(paths)}) await import(path);`;
    writeFileSync(folder.join("load.js"), load);
    await output(execPath, [folder.join("load.js")]);
  });

  it("have types for a strict project that checks those of its libraries as well", async () => {
    const options = { strict: true, module: "nodenext", target: "esnext", noEmit: true, types: ["node"] };
    writeFileSync(
      folder.join("tsconfig.json"),
      JSON.stringify({
        compilerOptions: { ...options, exactOptionalPropertyTypes: true },
        files: ["consumer.ts"],
      }),
    );
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    assert.equal(await output(execPath, [compiler, "-p", folder.path], { timeoutMs: 120_000 }), "");
  });

  for (const program of programs) {
    it(`pull and run a container with ${program}`, async () => {
      await using daemon = await TestDaemon.start(program);
      await using registry = await TestRegistry.start();
      const image = await pushBusybox(registry.host);
      const printed = await output(execPath, [folder.join("consumer.ts"), daemon.address, image]);
      assert.deepEqual(JSON.parse(printed), [3, "from npm\n", [image]]);
    });
  }
});
