import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { resolveInside } from "../mounts/inside-rootfs.ts";
import { mountReadOnly } from "./mounted.ts";

describe("mountReadOnly", () => {
  const { TMPDIR } = process.env;
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "slipway-mounted-"));
    for (const name of ["sub", "outer/in", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "sub/deep"), "deep");
    process.env["TMPDIR"] = join(folder, "tmp");
  });
  afterEach(() => {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
    rmSync(folder, { recursive: true });
  });

  it("mounts at no path that could be left behind, with what is mounted below", () => {
    const bind = { type: "bind", options: ["rbind", "rw"] };
    using rootfs = mountReadOnly([
      { ...bind, source: join(folder, "outer") },
      { ...bind, source: join(folder, "sub"), target: "/in" },
    ]);
    assert.ok(readMountInfo().every(({ mountPoint }) => !mountPoint.startsWith(folder)));
    assert.deepEqual(readdirSync(tmpdir()), []);
    assert.equal(readFileSync(join(rootfs.path, "in/deep"), "utf8"), "deep");
    assert.equal(resolveInside(rootfs.path, "/in/../in/deep"), "/in/deep");
    assert.throws(() => writeFileSync(join(rootfs.path, "in/new"), ""), { code: "EROFS" });
    assert.throws(() => mkdirSync(join(rootfs.path, "new")), { code: "EROFS" });
  });

  it("leaves nothing where it cannot mount", () => {
    const missing = { type: "bind", source: join(folder, "missing"), options: ["rbind"] };
    assert.throws(() => mountReadOnly([missing]), /ENOENT/);
    assert.deepEqual(readdirSync(tmpdir()), []);
  });
});
