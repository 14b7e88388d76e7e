import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Lowest first. A package may import those of lower rows only. */
const rows = [
  ["fault"],
  ["oci", "linux", "api", "logs"],
  ["rpc"],
  ["ttrpc", "grpc", "core", "cni"],
  ["registry", "layers"],
  ["images"],
  ["client"],
  ["plugins", "services", "cri", "nri", "shim"],
  ["daemon", "cli"],
];
const rowOf = new Map(rows.flatMap((names, row) => names.map((name) => [name, row] as const)));
/** What a package must not know, whatever its row. */
const forbidden: Readonly<Record<string, RegExp>> = {
  core: /^(@bufbuild\/|node:sqlite|node:http2|node:net|koffi|@slipway\/(api|rpc|grpc|ttrpc|linux))/,
  shim: /^@slipway\/(core|plugins|services|daemon)/,
  cli: /^@slipway\/(daemon|plugins|services|shim)/,
};

/** Where JSON.parse may stand, and why the strict reader of packages/oci/src/documents is not used. */
const parsesJson: Readonly<Record<string, string>> = {
  "packages/oci/src/documents/json-field.ts": "is the reader",
  "packages/oci/src/spec-json.ts": "parses for the reader, with numbers of 64 bits",
  "packages/plugins/src/metadata/parse-row.ts":
    "reads our own rows, of which lists have thousands, by their shapes",
  "packages/logs/src/entry.ts": "a line that is no entry is ignored; the package is below the reader's",
  "packages/shim/src/runtime/runtime-log.ts":
    "what is no JSON is text, and each field is looked at by its type",
  "packages/shim/src/version.ts": "reads the package's own manifest",
  "packages/cli/src/commands/commit.ts": "what is no list of words is a shell's line",
  "packages/client/src/volumes/volume-directories.ts":
    "a volume without a readable file is one without labels",
  "packages/client/src/volumes/container-volumes.ts": "another client's label that is no list is none",
};

interface Import {
  readonly where: string;
  readonly from: string;
  readonly to: string;
}

function imports(): Import[] {
  return globSync("packages/*/src/**/*.ts", { cwd: root }).flatMap((file) => {
    const from = file.split("/")[1] ?? "";
    if (from === "api") return [];
    return readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) => {
        const to = /(?:^|\s)(?:from|import)\s*\(?"([^"]+)"/.exec(line)?.[1];
        return to === undefined ? [] : [{ where: `${file}:${index + 1}`, from, to }];
      });
  });
}

describe("the architecture", () => {
  const all = imports();

  it("imports point down", () => {
    const upward = all.filter(({ from, to }) => {
      const target = /^@slipway\/([^/]+)/.exec(to)?.[1];
      if (target === undefined) return false;
      return (rowOf.get(target) ?? Infinity) >= (rowOf.get(from) ?? -1);
    });
    assert.deepEqual(
      upward.map(({ where, to }) => `${where} imports ${to}`),
      [],
    );
  });

  it("keeps wires, SQL and system calls out of core, and daemon code out of shim and cli", () => {
    const wrong = all.filter(({ from, to }) => forbidden[from]?.test(to));
    assert.deepEqual(
      wrong.map(({ where, to }) => `${where} imports ${to}`),
      [],
    );
  });

  it("has native code in packages/linux only", () => {
    const native = all.filter(({ from, to }) => to === "koffi" && from !== "linux");
    assert.deepEqual(
      native.map(({ where }) => where),
      [],
    );
  });

  it("reaches another package through its exports, and a relative import stays inside its own", () => {
    const escaping = all.filter(({ where, to }) => {
      if (!to.startsWith(".")) return false;
      const [packages = "", name = "", src = ""] = where.split("/");
      return !join(where, "..", to).startsWith(join(packages, name, src));
    });
    assert.deepEqual(
      escaping.map(({ where, to }) => `${where} imports ${to}`),
      [],
    );
  });

  it("exports only what exists", () => {
    const missing = globSync("packages/*/package.json", { cwd: root }).flatMap((file) => {
      const { exports } = JSON.parse(readFileSync(join(root, file), "utf8")) as {
        exports: Record<string, string>;
      };
      return Object.entries(exports)
        .filter(
          ([, target]) =>
            !target.includes("*") && globSync(target, { cwd: join(root, file, "..") }).length === 0,
        )
        .map(([name, target]) => `${file}: ${name} -> ${target}`);
    });
    assert.deepEqual(missing, []);
  });

  it("reads JSON through one reader, which names document and field", () => {
    const found = globSync("packages/*/src/**/*.ts", { cwd: root }).filter(
      (file) => !file.endsWith(".test.ts") && readFileSync(join(root, file), "utf8").includes("JSON.parse"),
    );
    assert.deepEqual(found.toSorted(), Object.keys(parsesJson).toSorted());
  });

  it("has no barrels, no utils and no default exports", () => {
    const files = globSync("packages/*/src/**/*.ts", { cwd: root });
    const bad = files.filter(
      (file) => !file.startsWith("packages/api/") && /(^|\/)(index|utils?|helpers?)(\.ts$|\/)/.test(file),
    );
    assert.deepEqual(bad, []);
  });

  it("keeps source files under 600 lines", () => {
    const long = globSync("packages/*/src/**/*.ts", { cwd: root })
      .filter((file) => !file.startsWith("packages/api/") && !file.endsWith(".test.ts"))
      .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length] as const)
      .filter(([, lines]) => lines > 600);
    assert.deepEqual(long, []);
  });
});
