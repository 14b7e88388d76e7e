import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { TaskHost } from "./host.ts";

/** Where a task's input comes from and its output goes. */
export function streamTests(host: () => TaskHost): void {
  it("has output and errors apart", async () => {
    const task = await host().run("echo out; echo err >&2");
    assert.deepEqual(await task.printed(), ["out\n", "err\n"]);
    await task.wait();
    await task.delete();
  });

  it("reads its input until that is closed", async () => {
    const task = await host().run("wc -c", { stdin: true });
    task.stdio?.stdin?.end("x".repeat(300_000));
    await host().client.tasks.closeStdin({ containerId: task.id });
    assert.deepEqual(await task.printed(), ["300000\n", ""]);
    assert.equal((await task.wait()).exitStatus, 0);
    await task.delete();
  });

  it("has a terminal, of the size that it is given", async () => {
    const task = await host().run("read line; test -t 0 && test -t 1; echo $?; stty size; echo $line", {
      terminal: true,
      stdin: true,
    });
    await host().client.tasks.resizePty({ containerId: task.id }, { columns: 101, rows: 33 });
    task.stdio?.stdin?.write("typed\n");
    const [output] = await task.printed();
    assert.match(output ?? "", /typed\r\n0\r\n33 101\r\ntyped\r\n/);
    assert.equal((await task.wait()).exitStatus, 0);
    await task.delete();
  });

  it("is refused a log that cannot be, by what its client says", async () => {
    for (const terminal of isOurs(host()) ? [false, true] : [false]) {
      const create = (stdout: string): Promise<unknown> =>
        host().create("true", { io: { stdin: "", stdout, stderr: stdout, terminal }, terminal });
      await assert.rejects(create("file:///proc/nope/log"), /mkdir \/proc\/nope|mkdir '\/proc\/nope'/);
      await assert.rejects(create("binary:///no/such"), /failed to start (binary|logging binary) process/);
      await assert.rejects(create("nope:///x"), /unknown STDIO scheme nope/);
    }
  });

  it("writes nowhere when it is told so", async () => {
    const io = { stdin: "", stdout: "", stderr: "", terminal: false };
    const task = await host().run("echo out; echo err >&2; exit 3", { io });
    assert.equal((await task.wait()).exitStatus, 3);
    await task.delete();
  });

  it("writes to the file of a file:// URI", async () => {
    const file = host().daemon.folder.join("logs/out");
    mkdirSync(host().daemon.folder.join("logs"), { recursive: true });
    const uri = `file://${file}`;
    const task = await host().run("echo out; echo err >&2", {
      io: { stdin: "", stdout: uri, stderr: uri, terminal: false },
    });
    await task.wait();
    await task.delete();
    assert.deepEqual(readFileSync(file, "utf8").trim().split("\n").toSorted(), ["err", "out"]);
  });

  for (const [what, terminal] of [
    ["writes to the program of a binary:// URI", false],
    ["writes to the program of a binary:// URI from its terminal", true],
  ] as const) {
    it(what, async (test) => {
      const { signal } = test;
      // containerd's shim keeps the other end of a terminal's errors open: the program waits for ever.
      if (terminal && !isOurs(host())) return test.skip();
      const file = host().daemon.folder.join(`logged-${terminal}`);
      const logger = host().daemon.folder.join(`logger-${terminal}`);
      // Its output is descriptor 3, its errors 4; it says that it is ready by closing 5.
      // It is told to end by SIGTERM, and goes on until it has all.
      const script = `trap "" TERM; { echo "$CONTAINER_NAMESPACE/$CONTAINER_ID $*"; exec 5>&-; cat <&3; cat <&4; } > ${file}.new; mv ${file}.new ${file}`;
      writeFileSync(logger, `#!/bin/bash\n${script}\n`);
      chmodSync(logger, 0o700);
      const uri = `binary://${logger}?a=b`;
      const task = await host().run("echo out; echo err >&2", {
        io: { stdin: "", stdout: uri, stderr: uri, terminal },
        terminal,
      });
      await task.wait();
      await task.delete();
      const { namespace } = host();
      let text = "";
      // Another program's: nothing tells when it has written all.
      while (!text) {
        await setTimeout(20, undefined, { signal });
        text = readOr(file);
      }
      const ending = terminal ? "\r\n" : "\n";
      assert.equal(text, `${namespace}/${task.id} a b\nout${ending}err${ending}`);
    });
  }
}

function isOurs({ combination: { shim, config } }: TaskHost): boolean {
  return shim.startsWith("io.containerd.") && config === undefined;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
