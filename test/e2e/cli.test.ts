import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { binFolder, programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { type Result, run, type RunOptions } from "../support/run.ts";

for (const program of programs) {
  describe(`slipway with ${program}`, () => {
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let image: string;

    before(async () => {
      [daemon, registry] = await Promise.all([TestDaemon.start(program), TestRegistry.start()]);
      image = await pushBusybox(registry.host);
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    const slipway = (args: readonly string[], options?: RunOptions): Promise<Result> =>
      daemon.slipway(args, options);

    const printed = (args: readonly string[]): Promise<string> => daemon.printed(...args);

    it("runs a command in a throw-away copy of the host's own files", async () => {
      const said = await slipway([
        "run",
        "--rm",
        "--rootfs",
        "/:O",
        "sh",
        "-c",
        "echo hello; echo gone > /slipway-e2e",
      ]);
      assert.deepEqual(said, { code: 0, stdout: "hello\n", stderr: "" });
      assert.ok(!existsSync("/slipway-e2e"));
    });

    it("ends with the container's code, 127 and 126 for what cannot be run, 125 for its own failures", async () => {
      const codeOf = async (...args: readonly string[]): Promise<number> =>
        (await slipway(["run", "--rm", ...args])).code;
      assert.equal(await codeOf("--rootfs", "/:O", "sh", "-c", "exit 42"), 42);
      assert.equal(await codeOf("--rootfs", "/:O", "no-such-program"), 127);
      assert.equal(await codeOf("--rootfs", "/:O", "/etc/passwd"), 126);
      assert.equal(await codeOf("--rootfs", "/no/such/folder", "true"), 125);
      assert.equal(await codeOf("--no-such-flag", "x"), 125);
    });

    it("passes input and keeps output and errors apart", async () => {
      const said = await slipway(["run", "-i", "--rm", "--rootfs", "/:O", "sh", "-c", "cat; echo bad >&2"], {
        input: "typed\n",
      });
      assert.deepEqual(said, { code: 0, stdout: "typed\n", stderr: "bad\n" });
    });

    it("pulls an image when it is missing and runs it as its config says", async () => {
      const first = await slipway(["run", "--rm", image, "sh", "-c", "echo $PATH; id -u"]);
      assert.deepEqual([first.code, first.stdout], [0, "/bin\n0\n"], first.stderr);
      assert.match(first.stderr, /Pull complete/);
      const second = await slipway([
        "run",
        "--rm",
        "-u",
        "daemon",
        "-w",
        "/tmp",
        image,
        "sh",
        "-c",
        "id -u; pwd",
      ]);
      assert.deepEqual(second, { code: 0, stdout: "1\n/tmp\n", stderr: "" });
    });

    it("keeps a container's life: run -d, ps, exec, logs, stop, start, wait, rm", async () => {
      const script = "echo out; echo err >&2; trap 'exit 6' TERM; while :; do sleep 0.1; done";
      const started = await slipway(["run", "-d", "--name", "life", image, "sh", "-c", script]);
      assert.equal(started.code, 0, started.stderr);
      assert.match(started.stdout, /^[0-9a-f]{64}\n$/);
      const ps = await printed(["ps", "--format", "{{.Names}} {{.State}} {{.Image}}"]);
      assert.equal(ps, `life running ${image}\n`);
      const taken = await slipway(["run", "--name", "life", image, "true"]);
      assert.deepEqual([taken.code, /name "life"/.test(taken.stderr)], [125, true]);
      const exec = await slipway(["exec", "-i", "-e", "A=b", "life", "sh", "-c", "cat; echo $A; exit 7"], {
        input: "typed ",
      });
      assert.deepEqual(exec, { code: 7, stdout: "typed b\n", stderr: "" });
      assert.equal((await slipway(["exec", "life", "no-such-program"])).code, 127);
      assert.equal((await slipway(["rm", "life"])).code, 1);
      assert.equal(await printed(["stop", "life"]), "life\n");
      assert.equal(await printed(["wait", "life"]), "6\n");
      const logs = await slipway(["logs", "life"]);
      assert.deepEqual(logs, { code: 0, stdout: "out\n", stderr: "err\n" });
      assert.equal(
        await printed(["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life"]),
        "exited 6\n",
      );
      await printed(["start", "life"]);
      assert.equal(await printed(["pause", "life"]), "life\n");
      assert.equal(await printed(["ps", "--format", "{{.State}}"]), "paused\n");
      await printed(["unpause", "life"]);
      await printed(["rm", "-f", "life"]);
      assert.equal(await printed(["ps", "-aq"]), "");
    });

    it("limits and confines a container as its flags say", async () => {
      const flags = [
        "--memory",
        "64m",
        "--pids-limit",
        "50",
        "--network",
        "none",
        "-h",
        "box",
        "--cap-drop",
        "ALL",
      ];
      const show = "hostname; grep CapEff /proc/self/status; cat /sys/class/net/*/address; echo x > /etc/x";
      const said = await slipway(["run", "--rm", ...flags, "--read-only", image, "sh", "-c", show]);
      assert.match(said.stdout, /^box\nCapEff:\t0+\n00:00:00:00:00:00\n$/);
      assert.match(said.stderr, /Read-only file system/);
    });

    it("runs a program below an init of this machine", async () => {
      // Stands for tini, which takes the program after "--".
      const init = daemon.folder.join("init");
      writeFileSync(init, '#!/bin/sh\necho init $$ $1; shift; "$@"\n', { mode: 0o755 });
      const said = await slipway(["run", "--rm", "--init-binary", init, image, "sh", "-c", "echo $PPID"]);
      assert.deepEqual(said, { code: 0, stdout: "init 1 --\n1\n", stderr: "" });
      const missing = await slipway(["run", "--rm", "--init-binary", "no-such-init", image, "true"]);
      assert.deepEqual([missing.code, /no-such-init/.test(missing.stderr)], [125, true]);
    });

    it("tags, pushes, lists and removes images", async () => {
      const other = `${registry.host}/other/name:v1`;
      await printed(["tag", image, other]);
      assert.match(await printed(["push", other]), /Mounted\nDigest: sha256:/);
      assert.match(await printed(["rmi", other]), /^Untagged: /);
      assert.match(await printed(["pull", "-q", other]), /other\/name:v1/);
      const names = await printed(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
      assert.deepEqual(names.trim().split("\n").toSorted(), [image, other].toSorted());
    });

    it("shows what containers use, and their processes", async () => {
      await printed(["run", "-d", "--name", "busy", image, "sleep", "1000"]);
      const format = "{{.Name}} {{.PIDs}} {{.CPUPerc}}";
      assert.match(await printed(["stats", "--no-stream", "--format", format]), /^busy 1 \d+\.\d\d%\n$/);
      assert.match(await printed(["top", "busy"]), /PID[^]*sleep 1000\n$/);
      await printed(["rm", "-f", "busy"]);
    });

    // The logging program beside other shims tells nobody when it has written all.
    const isOurs = program === "slipwayd";
    it(
      "keeps so much of a log as it is told, and follows it while it is rotated",
      { skip: !isOurs },
      async () => {
        const script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf end";
        const bounds = ["--log-opt", "max-size=40k", "--log-opt", "max-file=20"];
        await printed(["run", "-d", "--name", "wordy", ...bounds, image, "sh", "-c", `sleep 0.3; ${script}`]);
        const lines = Array.from({ length: 3000 }, (_, index) => `line ${index}\n`);
        const followed = await Promise.all([
          printed(["logs", "-f", "wordy"]),
          printed(["logs", "-f", "wordy"]),
        ]);
        for (const text of followed) assert.equal(text, `${lines.join("")}end\n`);
        assert.equal(await printed(["logs", "wordy"]), `${lines.join("")}end\n`);
        assert.equal(await printed(["logs", "-n", "3", "wordy"]), `${lines.slice(-2).join("")}end\n`);
        assert.match(await printed(["logs", "-t", "-n", "1", "wordy"]), /^2\S{28}Z end\n$/);
        assert.equal(await printed(["logs", "--until", "1h", "wordy"]), "");
        await printed(["rm", "wordy"]);
      },
    );

    it("lets terminals attach to a detached container, leave and come again", async () => {
      const said = await slipway(["run", "-d", "-i", "-t", "--name", "later", image, "sh"]);
      assert.equal(said.code, 0, said.stderr);
      if (program === "containerd") {
        assert.match((await slipway(["attach", "later"])).stderr, /streams go elsewhere/);
      } else {
        const left = await slipway(["attach", "later"], { input: "A=4; echo $((A*10+2))\n\u0010\u0011" });
        assert.equal(left.code, 0, left.stderr);
        const ended = await slipway(["attach", "later"], { input: "echo $((A*10+3)); exit 5\n" });
        assert.deepEqual([ended.code, /43\r\n/.test(ended.stdout)], [5, true], ended.stdout + ended.stderr);
        assert.match(await printed(["logs", "later"]), /42\r\n[^]*43\r\n/);
      }
      await printed(["rm", "-f", "later"]);
    });

    it("removes a detached container when it ends, where the daemon can", async () => {
      const said = await slipway(["run", "-d", "--rm", "--name", "brief", image, "true"]);
      if (program === "containerd") {
        assert.deepEqual([said.code, said.stdout], [125, ""]);
        return;
      }
      assert.equal(said.code, 0, said.stderr);
      // It answers while the container is there, and fails when it is gone.
      await slipway(["wait", "brief"]);
      const gone = async (): Promise<boolean> => (await printed(["ps", "-aq"])) === "";
      assert.ok((await gone()) || (await gone()) || (await gone()));
    });
  });
}

describe("slipway without a daemon", () => {
  it("starts slipwayd, which stays, and says so when it cannot", async () => {
    using folder = new TestFolder("start");
    const address = folder.join("run/s.sock");
    const env = {
      SLIPWAY_ADDRESS: address,
      SLIPWAY_ROOT: folder.join("root"),
      SLIPWAY_STATE: folder.join("state"),
    };
    const slipway = (...args: readonly string[]): Promise<Result> =>
      run(join(binFolder, "slipway"), args, { env });
    try {
      const both = await Promise.all([slipway("ps", "-q"), slipway("ps", "-q")]);
      for (const said of both) assert.deepEqual(said, { code: 0, stdout: "", stderr: "" });
      const said = await slipway("run", "--rm", "--rootfs", "/:O", "sh", "-c", "echo hello");
      assert.deepEqual(said, { code: 0, stdout: "hello\n", stderr: "" });
      assert.match((await slipway("version")).stdout, /slipwayd:/);
      writeFileSync(folder.join("file"), "");
      const failed = await run(join(binFolder, "slipway"), ["ps"], {
        env: { ...env, SLIPWAY_ADDRESS: folder.join("other/s.sock"), SLIPWAY_ROOT: folder.join("file") },
      });
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /^slipway: Cannot start slipwayd: /);
    } finally {
      // What was started lives on by design: it is found by the socket that only this test has.
      for (const pid of processesNaming(folder.path)) process.kill(pid, "SIGKILL");
    }
  });
});

function processesNaming(path: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return (
          pid > 0 && pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(path)
        );
      } catch {
        return false;
      }
    });
}
