import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { binFolder, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { patience } from "../support/patience.ts";
import { TestRegistry } from "../support/registry.ts";
import { TestTerminal } from "../support/terminal.ts";

describe("slipway on a terminal", { timeout: 300_000 * patience }, () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;

  before(async () => {
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    image = await pushBusybox(registry.host);
    await daemon.printed("pull", "-q", image);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const terminal = (...args: readonly string[]): TestTerminal =>
    new TestTerminal(join(binFolder, "slipway"), args, daemon.slipwayEnv);
  const states = (): Promise<string> => daemon.printed("ps", "-a", "--format", "{{.Names}} {{.State}}");
  /** Waits until the daemon has removed a container that runs with --rm. */
  const removed = async (name: string): Promise<void> => {
    for (let left = await states(); left.includes(name); left = await states()) {
      await daemon.slipway(["wait", name]);
    }
  };

  it("gives the program a terminal of the same size that shows what the program shows, and gives it back", async () => {
    // The new size and what is typed after it come on ways of their own.
    const resized = `until [ "$(stty size)" = "40 120" ]; do sleep 0.1; done`;
    const script = `stty size; read x; ${resized}; stty size; seq 500; exit 5`;
    using it = terminal("run", "-it", "--rm", image, "sh", "-c", script);
    await it.shows(/24 80\r\n/);
    assert.ok(!it.isRestored);
    it.resize({ columns: 120, rows: 40 });
    it.type("go\r");
    await it.shows(/40 120\r\n1\r\n2\r\n[^]*\n500\r\n$/);
    assert.equal(await it.end(), 5);
    assert.ok(it.isRestored);
    // A line begins once: full-screen programs do it themselves.
    assert.doesNotMatch(it.shown, /\r\r/);
    assert.equal(await states(), "");
  });

  it("gives an exec a terminal of the same size", async () => {
    await daemon.printed("run", "-d", "--name", "host", image, "sleep", "1000");
    using it = terminal("exec", "-it", "host", "sh", "-c", "stty size; exit 6");
    assert.equal(await it.end(), 6);
    assert.equal(it.shown, "24 80\r\n");
    await daemon.printed("rm", "-f", "host");
  });

  it("leaves with the detach keys, says so, and comes back with another's output", async () => {
    using first = terminal("run", "-it", "--name", "left", image, "sh");
    await first.shows(/# /);
    first.type("\u0010\u0011");
    assert.equal(await first.end(), 0);
    assert.match(first.shown, /\r\nread escape sequence\r\n$/);
    assert.ok(first.isRestored);
    assert.equal(await states(), "left running\n");
    using second = terminal("attach", "--detach-keys", "ctrl-x", "left");
    using third = terminal("attach", "left");
    for (const one of [second, third]) {
      // Each sees what any of them types once it is there.
      one.type("\r");
      await one.shows(/# /);
    }
    third.type("echo $((40+2))\r");
    await Promise.all([second.shows(/42\r\n/), third.shows(/42\r\n/)]);
    second.type("\u0018");
    assert.equal(await second.end(), 0);
    third.type("exit 3\r");
    assert.equal(await third.end(), 3);
    assert.ok(third.isRestored);
    await daemon.printed("rm", "left");
  });

  it("passes Ctrl-C on to a program without a terminal, from its first word on", async () => {
    for (let times = 0; times < 3; times++) {
      using it = terminal(
        "run",
        "--rm",
        image,
        "sh",
        "-c",
        "trap 'exit 7' INT; echo go; while :; do sleep 0.1; done",
      );
      await it.shows(/go/);
      it.type("\u0003");
      assert.equal(await it.end(), 7);
      assert.equal(await states(), "");
    }
  });

  it("ends at the third Ctrl-C when the program does not, which the daemon removes when it ends", async () => {
    const script = "trap 'echo heard it' INT; echo go; while :; do sleep 0.1; done";
    using it = terminal("run", "--rm", "--name", "stubborn", image, "sh", "-c", script);
    await it.shows(/go/);
    it.type("\u0003");
    await it.shows(/heard it/);
    it.type("\u0003");
    await it.shows(/heard it[^]*heard it/);
    it.type("\u0003");
    assert.equal(await it.end(), 1);
    assert.match(it.shown, /got 3 SIGTERM\/SIGINTs, forcefully exiting/);
    assert.equal(await states(), "stubborn running\n");
    await daemon.printed("kill", "stubborn");
    await removed("stubborn");
  });

  it("ends itself with --sig-proxy=false, and leaves the program alone", async () => {
    using it = terminal(
      "run",
      "--sig-proxy=false",
      "--name",
      "alone",
      image,
      "sh",
      "-c",
      "echo go; sleep 1000",
    );
    await it.shows(/go/);
    it.type("\u0003");
    assert.equal(await it.end(), -1);
    assert.equal(await states(), "alone running\n");
    await daemon.printed("rm", "-f", "alone");
  });

  it("leaves the program when the terminal hangs up, after having told it", async () => {
    const script = "trap 'echo hung up' HUP; echo go; while :; do sleep 0.1; done";
    using it = terminal("run", "-it", "--name", "hung", image, "sh", "-c", script);
    await it.shows(/go/);
    const logs = spawn(join(binFolder, "slipway"), ["logs", "-f", "hung"], {
      env: { ...process.env, SLIPWAY_ADDRESS: daemon.address },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      it.hangUp();
      for await (const text of logs.stdout) if (String(text).includes("hung up")) break;
      await it.end();
      assert.equal(await states(), "hung running\n");
    } finally {
      const ended = once(logs, "exit");
      logs.kill();
      await ended;
      await daemon.printed("rm", "-f", "hung");
    }
  });

  it("can be killed: the program goes on, is attached to, has a log, and goes when it ends", async () => {
    using it = terminal("run", "-it", "--rm", "--name", "orphan", image, "sh");
    await it.shows(/# /);
    process.kill(it.pid, "SIGKILL");
    await it.end();
    using next = terminal("attach", "orphan");
    next.type("\recho $((40+2))\r");
    await next.shows(/42\r\n/);
    assert.match(await daemon.printed("logs", "orphan"), /42\r\n/);
    next.type("exit 9\r");
    assert.equal(await next.end(), 9);
    await removed("orphan");
  });

  it("lets nothing be left of a container that nobody wants before it has started", async () => {
    // At whatever moment of its making the signal comes.
    for (let delayMs = 0; delayMs < 400; delayMs += 40) {
      const child = spawn(
        join(binFolder, "slipway"),
        ["run", "--rm", image, "sh", "-c", "trap 'exit 7' INT; sleep 5 & wait"],
        {
          env: { ...process.env, ...daemon.slipwayEnv },
          stdio: "ignore",
        },
      );
      const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
      const timer = setTimeout(() => child.kill("SIGINT"), delayMs);
      const [code, signal] = await ended;
      clearTimeout(timer);
      // A signal that meets runc's init, which is Go's, before that becomes the program is 2.
      assert.ok(signal === "SIGINT" || [7, 0, 2].includes(code ?? -1), `${code} ${signal}`);
      assert.equal(await states(), "");
    }
  });
});
