import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Program, TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import { TestFolder } from "../support/folder.ts";
import { run as execute } from "../support/run.ts";

const isInstalled = existsSync("/usr/bin/containerd") && existsSync("/usr/bin/ctr");

/** The same commands of ctr against slipwayd and against containerd: what they print must be the same. */
describe("tasks under ctr", { skip: !isInstalled }, () => {
  const folder = new TestFolder("tasks");
  const rootfs = makeRootfs(folder.join("rootfs"));
  const daemons = new Map<Program, TestDaemon>();
  before(async () => {
    for (const program of ["slipwayd", "containerd"] as const) {
      daemons.set(program, await TestDaemon.start(program));
    }
  });
  after(async () => {
    for (const daemon of daemons.values()) await daemon[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Runs commands in their order with both, and compares each one's code and output. */
  const same = async (...commands: readonly (readonly string[])[]): Promise<void> => {
    const results = [];
    for (const daemon of daemons.values()) {
      const own = [];
      for (const command of commands) {
        const result = await daemon.ctr(command, { timeoutMs: 20_000 });
        own.push({ ...result, stderr: result.stderr.replaceAll(daemon.state, "STATE") });
      }
      results.push(own);
    }
    const [ours = [], theirs = []] = results;
    for (const [index, command] of commands.entries()) {
      assert.deepEqual(ours[index], theirs[index], command.join(" "));
    }
  };
  const run = (id: string, ...args: readonly string[]): string[] => ["run", "--rootfs", rootfs, id, ...args];
  const flagged = (flags: readonly string[], id: string, ...args: readonly string[]): string[] => [
    "run",
    ...flags,
    "--rootfs",
    rootfs,
    id,
    ...args,
  ];
  const sleeper = (id: string): string[] => flagged(["-d"], id, "/bin/sleep", "1000");

  it("gives output and exit codes", async () => {
    await same(
      flagged(["--rm"], "a", "/bin/sh", "-c", "echo out; echo err >&2; exit 42"),
      flagged(["--rm"], "a", "/bin/sh", "-c", "kill -TERM $$"),
      flagged(["--rm"], "a", "/bin/nope"),
      flagged(["--rm", "--env", "X=1", "--cwd", "/tmp"], "a", "/bin/sh", "-c", "pwd; echo $X"),
      ["containers", "ls", "-q"],
    );
  });

  it("keeps a task that ended until it is removed", async () => {
    await same(
      run("a", "/bin/sh", "-c", "exit 3"),
      ["tasks", "ls", "-q"],
      ["tasks", "rm", "a"],
      ["tasks", "rm", "a"],
      ["containers", "rm", "a"],
      ["containers", "rm", "a"],
    );
  });

  it("refuses what cannot be", async () => {
    await same(
      sleeper("a"),
      sleeper("a"),
      ["tasks", "start", "-d", "a"],
      ["tasks", "rm", "a"],
      ["containers", "rm", "a"],
      ["tasks", "exec", "--exec-id", "x", "a", "/bin/nope"],
      ["tasks", "exec", "--exec-id=-bad-", "a", "/bin/true"],
      ["tasks", "exec", "--exec-id", "x", "none", "/bin/true"],
      ["tasks", "kill", "none"],
      ["tasks", "kill", "--exec-id", "none", "a"],
      ["tasks", "pause", "none"],
      ["tasks", "resume", "a"],
      ["tasks", "pause", "a"],
      ["tasks", "pause", "a"],
      ["tasks", "exec", "--exec-id", "x", "a", "/bin/true"],
      ["tasks", "resume", "a"],
      ["tasks", "kill", "-s", "SIGKILL", "a"],
      ["tasks", "rm", "-f", "a"],
      ["tasks", "metrics", "a"],
      ["containers", "rm", "a"],
    );
  });

  it("names a runtime that is not installed", async () => {
    await same(
      flagged(["--runtime", "io.containerd.nope.v1"], "a", "/bin/true"),
      ["containers", "rm", "a"],
      flagged(["--runc-binary", "nope"], "a", "/bin/true"),
      ["containers", "rm", "a"],
    );
  });

  it("limits memory, runs execs and detached containers", async () => {
    await same(
      flagged(["-d", "--memory-limit", "67108864"], "a", "/bin/sleep", "1000"),
      ["tasks", "exec", "--exec-id", "one", "a", "/bin/sh", "-c", "echo in; exit 5"],
      ["tasks", "exec", "--exec-id", "one", "a", "/bin/hostname"],
      ["tasks", "kill", "-s", "9", "a"],
      ["tasks", "rm", "-f", "a"],
      ["containers", "rm", "a"],
    );
  });

  it("gives a terminal", async () => {
    const command = flagged(["--rm", "-t"], "a", "/bin/sh", "-c", "stty size; tty; exit 6");
    const results = [];
    for (const { address } of daemons.values()) {
      const inTerminal = [
        "-qefc",
        ["ctr", "--address", address, ...command].map(quoted).join(" "),
        "/dev/null",
      ];
      const { code, stdout } = await execute("script", inTerminal, { timeoutMs: 20_000 });
      // How script tells the end of its own input.
      results.push({ code, stdout: stdout.replace("^@", "") });
    }
    assert.deepEqual(results[0], results[1]);
    assert.equal(results[0]?.code, 6);
  });

  it("leaves containers alone when the daemon is killed, and finds them again", async () => {
    const daemon = daemons.get("slipwayd");
    assert.ok(daemon);
    const ids = ["one", "two"];
    for (const id of ids) assert.equal((await daemon.ctr(sleeper(id))).code, 0);
    const listed = async (): Promise<string> => (await daemon.ctr(["tasks", "ls"])).stdout;
    const before = await listed();
    assert.match(before, /one +\d+ +RUNNING/);
    await daemon.stop("SIGKILL");
    await daemon.start();
    assert.equal(await listed(), before);
    const exec = await daemon.ctr(["tasks", "exec", "--exec-id", "x", "one", "/bin/echo", "still here"]);
    assert.equal(exec.stdout, "still here\n");
    for (const id of ids) await daemon.ctr(["tasks", "rm", "-f", id]);
    for (const id of ids) await daemon.ctr(["containers", "rm", id]);
  });
});

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
