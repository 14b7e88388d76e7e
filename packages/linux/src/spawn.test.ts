import assert from "node:assert/strict";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { spawnProgram, StringTable } from "./spawn.ts";
import { type ExitStatus, reap } from "./wait.ts";

const { PATH = "" } = process.env;
const env = new StringTable([`PATH=${PATH}`, "WORD=später"]);
const nowhere = [undefined, undefined, undefined] as const;

async function ended(pid: number): Promise<ExitStatus> {
  for (;;) {
    const status = reap(pid);
    if (typeof status === "object") return status;
    assert.equal(status, "running");
    await setTimeout(1);
  }
}

describe("spawnProgram", () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "slipway-spawn-")));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function outputOf(script: string): Promise<string> {
    const path = join(folder, "output");
    const fd = openSync(path, "w");
    const pid = spawnProgram("sh", ["-c", script], { env, cwd: folder, stdio: [undefined, fd, fd] });
    closeSync(fd);
    assert.deepEqual(await ended(pid), { exitCode: 0 });
    return readFileSync(path, "utf8");
  }

  it("gives arguments, environment, folder and descriptors", async () => {
    assert.equal(await outputOf("pwd; echo $WORD >&2; cat"), `${folder}\nspäter\n`);
  });

  it("gives no other descriptor, and signals as they are by default", async () => {
    const kept = openSync(folder, constants.O_RDONLY);
    const status = await outputOf("ls -l /proc/self/fd; cat /proc/self/status");
    closeSync(kept);
    assert.ok(!status.includes(`-> ${folder}\n`), status);
    assert.match(status, /^SigBlk:\s+0+$/m);
    assert.match(status, /^SigIgn:\s+0+$/m);
  });

  it("leaves the end to be reaped", async () => {
    assert.deepEqual(
      await ended(spawnProgram("sh", ["-c", "exit 7"], { env, cwd: folder, stdio: nowhere })),
      {
        exitCode: 7,
      },
    );
    assert.deepEqual(
      await ended(spawnProgram("sh", ["-c", "kill -9 $$"], { env, cwd: folder, stdio: nowhere })),
      { exitCode: 137, signal: 9 },
    );
  });

  it("throws when the program or the folder is not there", () => {
    const options = { env, cwd: folder, stdio: nowhere };
    assert.throws(() => spawnProgram("no-such-program", [], options), { code: "ENOENT" });
    assert.throws(() => spawnProgram(folder, [], options), { code: "EACCES" });
    assert.throws(() => spawnProgram("true", [], { ...options, cwd: join(folder, "gone") }), {
      code: "ENOENT",
    });
  });

  it("refuses text that would be cut short", () => {
    assert.throws(() => spawnProgram("true", ["a\0b"], { env, cwd: folder, stdio: nowhere }), /"a\\u0000b"/);
  });
});
