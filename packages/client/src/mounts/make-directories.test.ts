import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectories } from "./make-directories.ts";

describe("makeDirectories", () => {
  it("creates what does not exist", () => {
    const folder = mkdtempSync(join(tmpdir(), "slipway-directories-"));
    makeDirectories(join(folder, "a/b/c"));
    makeDirectories(join(folder, "a/b"));
    assert.ok(existsSync(join(folder, "a/b/c")));
    writeFileSync(join(folder, "file"), "");
    assert.throws(() => makeDirectories(join(folder, "file/x")), {
      name: "Fault",
      message: /Cannot create directory/,
    });
    rmSync(folder, { recursive: true });
  });

  it("returns where the kernel refuses a directory for ever", () => {
    assert.throws(() => makeDirectories("/proc/x/y"), { name: "Fault", message: /"\/proc\/x\/y"/ });
  });
});
