import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { defaultLimits, formatLogUri } from "@slipway/logs/log-uri";
import { TestDaemon } from "../support/daemon.ts";
import { adoptedExits } from "../support/adopted-exits.ts";
import { isOwnShim } from "../support/own-shim.ts";
import { makeRootfs } from "../support/images.ts";
import { until } from "../support/until.ts";
import { belongings } from "../support/leaks.ts";

const COUNT = 20;

/* A shim of ours is killed under the containers it holds, with and without a daemon: they go on, and so does all else. */
describe("containers whose shim was killed", () => {
  let daemon: TestDaemon;
  let rootfs: string;
  const namespace = `adoption-${process.pid}`;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
    // Twenty that wake up again and again would be all that an emulated machine does.
    const idle = "while :; do sleep 1000 & wait $!; done";
    const script = `trap "exit 9" TERM; trap "echo told; echo said >&2" USR1; ${idle}`;
    for (let index = 0; index < COUNT; index++) await run(`c${index}`, script);
  });
  after(async () => await daemon[Symbol.asyncDispose]());

  const ctr = async (command: string, more: readonly string[] = []) =>
    await daemon.ctr(["-n", namespace, ...command.split(" "), ...more]);
  const output = async (command: string, more: readonly string[] = []): Promise<string> => {
    const { code, stdout, stderr } = await ctr(command, more);
    assert.equal(code, 0, `ctr ${command}: ${stderr}`);
    return stdout;
  };
  const run = async (id: string, script: string): Promise<void> => {
    await output("run -d --rootfs --env PATH=/bin", [
      "--log-uri",
      logOf(id),
      rootfs,
      id,
      "/bin/sh",
      "-c",
      script,
    ]);
  };
  const logFile = (id: string): string => daemon.folder.join("logs", id, "x.log");
  const logOf = (id: string): string => formatLogUri({ ...defaultLimits, file: logFile(id) });
  const pids = async (): Promise<Map<string, number>> => {
    // A shim that has just taken twenty of them over may be slow to answer for all.
    const list = await until(async () => {
      const text = await output("tasks ls");
      return !text.includes("UNKNOWN") && text;
    });
    const lines = list.split("\n").slice(1).filter(Boolean);
    return new Map(
      lines
        .filter((line) => line.includes("RUNNING"))
        .map((line) => {
          const [id = "", pid] = line.split(/\s+/);
          return [id, Number(pid)];
        }),
    );
  };
  const shims = (): number[] =>
    readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .map(Number)
      .filter((pid) => {
        const command = readFileOr(`/proc/${pid}/cmdline`);
        return (
          isOwnShim(command) &&
          command.includes(daemon.folder.path) &&
          !readFileOr(`/proc/${pid}/stat`).includes(") Z ")
        );
      });
  const killShim = (): void => {
    const found = shims();
    assert.equal(found.length, 1);
    process.kill(Number(found[0]), "SIGKILL");
  };
  const gone = async (pid: number): Promise<void> => {
    while (existsSync(`/proc/${pid}`) && !readFileOr(`/proc/${pid}/stat`).includes(") Z "))
      await setTimeout(10);
  };

  it("go on, and are all there", async () => {
    const earlier = await pids();
    assert.equal(earlier.size, COUNT);
    killShim();
    assert.deepEqual(await pids(), earlier);
    for (const pid of earlier.values()) assert.ok(existsSync(`/proc/${pid}`));
  });

  it("are found by ctr shim under their own ids, in the shim that holds them now", async () => {
    for (const [id, pid] of [...(await pids())].slice(0, 3)) {
      const state = JSON.parse(await output(`shim --id ${id} state`)) as { id: string; pid: number };
      assert.deepEqual([state.id, state.pid], [id, pid]);
    }
    await run("brief", "exit 0");
    assert.match(await output("shim --id brief state"), /"brief"/);
    await until(async () => (await output("tasks ls")).includes("STOPPED"));
    await output("tasks rm brief");
    assert.match((await ctr("shim --id brief state")).stderr, /fail to connect to container/);
    await output("containers rm brief");
  });

  it("run more, show theirs, are paused and resumed", async () => {
    assert.equal((await ctr("tasks exec --exec-id e c0 /bin/sh -c", ["exit 5"])).code, 5);
    assert.equal(await output("tasks exec --exec-id e c1 /bin/echo hello"), "hello\n");
    assert.match(await output("tasks ps c0"), /^PID\s+INFO\n\d+/);
    assert.match(await output("tasks metrics c0"), /memory/);
    await output("tasks pause c0");
    assert.match(await output("tasks ls"), /c0\s+\d+\s+PAUSED/);
    await output("tasks resume c0");
  });

  it("have their output and errors in their log", async () => {
    await output("tasks kill -s SIGUSR1 c6");
    while (!/told.*said/s.test(readFileOr(logFile("c6")))) await setTimeout(20);
  });

  it("end with their own status, which those who wait get", async () => {
    const { c2 = 0, c3 = 0 } = Object.fromEntries(await pids());
    await output("tasks kill c2");
    await output("tasks kill -s SIGKILL c3");
    await gone(c2);
    await gone(c3);
    assert.match((await ctr("tasks rm c2")).stderr, exitCode(9));
    assert.match((await ctr("tasks rm c3")).stderr, exitCode(137));
    assert.doesNotMatch(await output("tasks ls"), /c[23]\s/);
    await output("containers rm c2 c3");
  });

  it("may be waited for while the shim is killed", async () => {
    const { c4 = 0 } = Object.fromEntries(await pids());
    const script = "until [ -e /go ]; do sleep 0.05; done; echo err >&2 && echo out; exit 6";
    const attached = ctr("run --rm --rootfs --env PATH=/bin", [rootfs, "attached", "/bin/sh", "-c", script]);
    while (!(await pids()).has("attached")) await setTimeout(20);
    killShim();
    // It answers when the next one holds them.
    assert.ok((await pids()).has("attached"));
    writeFileSync(`${rootfs}/go`, "");
    // The copy of its errors to the client ended with the shim; the container may write them all the same.
    const { code, stdout } = await attached;
    assert.equal(stdout, "out\n");
    assert.ok(adoptedExits(6).includes(code), `exit code ${code}`);
    assert.ok(existsSync(`/proc/${c4}`));
  });

  it("that ended meanwhile have their status, unless nobody can tell it any more", async () => {
    const { c5 = 0 } = Object.fromEntries(await pids());
    await daemon.stop("SIGKILL");
    killShim();
    process.kill(c5, "SIGKILL");
    await gone(c5);
    await daemon.start();
    // Who takes them over may be slower than the start waits.
    await until(async () => /c5\s+\d+\s+STOPPED/.test(await output("tasks ls")));
    assert.match((await ctr("tasks rm c5")).stderr, /exit code (?:137|255)/);
  });

  it("are removed without a trace", async () => {
    for (const id of (await pids()).keys()) await output(`tasks rm -f ${id}`);
    assert.equal((await output("tasks ls -q")).trim(), "");
    const cgroups = belongings(daemon.folder.path).cgroups.filter((path) => path.includes(`/${namespace}/`));
    assert.deepEqual(cgroups, []);
    assert.deepEqual(readdirSync(`${daemon.state}/io.containerd.runtime.v2.task/${namespace}`), []);
  });
});

function readFileOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function exitCode(code: number): RegExp {
  return new RegExp(`exit code (?:${adoptedExits(code).join("|")})\\b`);
}
