import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { mkfifo } from "@slipway/linux/mknod";
import { releaseInit } from "./exec-fifo.ts";

describe("releaseInit", () => {
  const id = "container";
  let root: string;
  let fifo: string;
  let init: ChildProcessWithoutNullStreams;
  let ended: Promise<unknown>;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "slipway-fifo-"));
    mkdirSync(join(root, id));
    fifo = join(root, id, "exec.fifo");
    mkfifo(fifo, 0o622);
    // Waits to be released, and is slow then.
    init = spawn("sh", ["-c", 'exec 3>"$0"; echo open; read word && printf 0 >&3', fifo]);
    ended = once(init, "exit");
  });
  afterEach(async () => {
    init.kill("SIGKILL");
    await ended;
    rmSync(root, { recursive: true });
  });

  it("hears the init's word before it says that it is released: unheard, it would be the init's end", async () => {
    let isOver = false;
    const released = releaseInit({ binary: "/usr/sbin/runc", root }, id, ended).finally(
      () => (isOver = true),
    );
    await once(init.stdout, "data");
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    assert.equal(isOver, false);
    init.stdin.write("go\n");
    assert.equal(await released, true);
    assert.equal(existsSync(fifo), false);
    assert.deepEqual(await ended, [0, null]);
  });

  it("says no when the init ends without a word, or is another runtime's", async () => {
    assert.equal(await releaseInit({ binary: "/usr/bin/crun", root }, id, ended), false);
    const released = releaseInit({ binary: "runc", root }, id, ended);
    await once(init.stdout, "data");
    init.stdin.end();
    assert.equal(await released, false);
    assert.equal(existsSync(fifo), true);
  });
});
