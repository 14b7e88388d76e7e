import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readBundleConfig } from "./bundle-config.ts";

describe("readBundleConfig", () => {
  let bundle: string;
  before(() => (bundle = mkdtempSync(join(tmpdir(), "bundle-"))));
  after(() => rmSync(bundle, { recursive: true }));

  const read = (spec: unknown): ReturnType<typeof readBundleConfig> => {
    writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
    return readBundleConfig(bundle);
  };

  it("sees a pid namespace of the container's own, and none that it joins", () => {
    const linux = (pid: object): object => ({ linux: { namespaces: [{ type: "mount" }, pid] } });
    assert.equal(read(linux({ type: "pid" })).hasPidNamespace, true);
    assert.equal(read(linux({ type: "pid", path: "" })).hasPidNamespace, true);
    assert.equal(read(linux({ type: "pid", path: "/proc/1/ns/pid" })).hasPidNamespace, false);
    assert.equal(read({ linux: null, annotations: null }).hasPidNamespace, false);
  });

  for (const [field, spec] of [
    ["annotations", { annotations: [] }],
    ["annotations.a", { annotations: { a: 1 } }],
    ["linux.namespaces", { linux: { namespaces: "pid" } }],
    ["linux.namespaces[0].type", { linux: { namespaces: [{ type: 1 }] } }],
  ] as const) {
    it(`names ${field} if it is wrong`, () => {
      assert.throws(
        () => read(spec),
        (error: Error) => error.message.includes(`config.json": "${field}" is `),
      );
    });
  }
});
