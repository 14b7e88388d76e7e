import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectories } from "./make-directories.ts";

describe("makeDirectories", () => {
  it("creates what does not exist, with the mode, and says whether it did", () => {
    const folder = mkdtempSync(join(tmpdir(), "slipway-directories-"));
    assert.equal(makeDirectories(join(folder, "a/b/c"), 0o700), true);
    for (const path of ["a", "a/b", "a/b/c"]) assert.equal(statSync(join(folder, path)).mode & 0o777, 0o700);
    assert.equal(makeDirectories(join(folder, "a/b")), false);
    symlinkSync(join(folder, "a"), join(folder, "link"));
    assert.equal(makeDirectories(join(folder, "link")), false);
    writeFileSync(join(folder, "file"), "");
    assert.throws(() => makeDirectories(join(folder, "file")), { code: "EEXIST" });
    assert.throws(() => makeDirectories(join(folder, "file/x")), { code: "ENOTDIR" });
    rmSync(folder, { recursive: true });
  });

  it("returns where the kernel refuses a directory for ever", () => {
    assert.throws(() => makeDirectories("/proc/x/y"), { code: "ENOENT", path: "/proc/x" });
    assert.equal(makeDirectories("/proc"), false);
    assert.equal(makeDirectories("/"), false);
  });
});
