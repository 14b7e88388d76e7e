import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Program, TestDaemon } from "../support/daemon.ts";
import { TestDocker } from "../support/docker.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs } from "../support/images.ts";

const isInstalled = existsSync("/usr/sbin/dockerd") && existsSync("/usr/bin/containerd");

interface Pair {
  readonly daemon: TestDaemon;
  readonly docker: TestDocker;
}

/** An unmodified dockerd, once on slipwayd and once on containerd: what Docker's users see must be the same. */
describe("dockerd", { skip: !isInstalled }, () => {
  const folder = new TestFolder("dockerd");
  const pairs = new Map<Program, Pair>();
  before(async () => {
    mkdirSync(folder.join("rootfs"));
    const archive = folder.join("image.tar");
    await makeImage(`docker-archive:${archive}:busybox:latest`, {
      layers: [makeRootfs(folder.join("rootfs"))],
    });
    for (const program of ["slipwayd", "containerd"] as const) {
      const daemon = await TestDaemon.start(program);
      const docker = await TestDocker.start(daemon.address);
      pairs.set(program, { daemon, docker });
      const { code, stderr } = await docker.docker(["load", "-i", archive]);
      assert.equal(code, 0, stderr);
    }
  });
  after(async () => {
    for (const { daemon, docker } of pairs.values()) {
      await docker[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    }
    folder[Symbol.dispose]();
  });

  /** Runs commands in their order with both, and compares each one's code and output. */
  const same = async (...commands: readonly (readonly string[])[]): Promise<void> => {
    const transcripts = [];
    for (const { docker } of pairs.values()) {
      const transcript = [];
      for (const command of commands) {
        const { code, stdout, stderr } = await docker.docker(command, { input: "through stdin\n" });
        transcript.push({ command, code, stdout: alike(stdout), stderr: alike(stderr) });
      }
      transcripts.push(transcript);
    }
    assert.deepEqual(transcripts[0], transcripts[1]);
  };
  const run = (flags: readonly string[], ...command: readonly string[]): string[] => [
    "run",
    "--network",
    "none",
    ...flags,
    "busybox",
    ...command,
  ];
  const state = (name: string): string[] => [
    "inspect",
    name,
    "--format",
    "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}",
  ];

  it("runs to the end, with output, input, codes and errors", async () => {
    await same(
      run(["--rm"], "sh", "-c", "echo out; echo err >&2; exit 42"),
      run(["--rm", "-i"], "cat"),
      run(["--rm", "--user", "1:2", "--env", "X=1", "--workdir", "/tmp"], "sh", "-c", "id; pwd; echo $X"),
      run(["--rm", "--read-only"], "touch", "/x"),
      run(["--rm"], "nope"),
      run(["--rm"], "/etc"),
      ["ps", "--all", "--quiet"],
    );
  });

  it("looks after a container in the background", async () => {
    await same(
      run(["--detach", "--name", "life"], "sh", "-c", "echo begun; sleep 1000"),
      ["exec", "life", "sh", "-c", "echo inside; exit 3"],
      ["exec", "-i", "life", "cat"],
      ["exec", "life", "nope"],
      ["pause", "life"],
      state("life"),
      ["exec", "life", "true"],
      ["unpause", "life"],
      ["update", "--memory", "64m", "--memory-swap", "64m", "life"],
      ["stop", "--time", "0", "life"],
      state("life"),
      ["start", "life"],
      ["restart", "--time", "0", "life"],
      state("life"),
      ["kill", "--signal", "KILL", "life"],
      ["wait", "life"],
      state("life"),
      ["logs", "life"],
      ["rm", "life"],
      ["rm", "life"],
    );
  });

  it("counts, tells who ran out of memory, and starts again what failed", async () => {
    await same(
      run(["--detach", "--name", "small", "--memory", "8m"], "sh", "-c", "a=a; while :; do a=$a$a; done"),
      ["wait", "small"],
      state("small"),
      run(["--detach", "--name", "again", "--restart", "on-failure:2"], "sh", "-c", "exit 5"),
    );
    for (const { docker } of pairs.values()) {
      const stopped = ["events", "--since", "0", "--filter", "container=again", "--filter", "event=die"];
      // The third end is the last one: the stream is there until it is left.
      const ends = await docker.docker(["wait", "again"]);
      assert.equal(ends.stdout, "5\n");
      const seen = async (): Promise<number> =>
        (await docker.docker([...stopped, "--until", "0s"])).stdout.split("\n").length - 1;
      while ((await seen()) < 3);
    }
    await same(state("again"), ["rm", "small", "again"]);
  });

  it("finds its containers again after both daemons were killed and started", async () => {
    const pair = pairs.get("slipwayd");
    assert.ok(pair);
    const { daemon, docker } = pair;
    assert.equal((await docker.docker(run(["--detach", "--name", "stays"], "sleep", "1000"))).code, 0);
    await daemon.stop("SIGKILL");
    await daemon.start();
    const lives = async (): Promise<boolean> =>
      (await docker.docker(["exec", "stays", "echo", "still here"])).stdout === "still here\n";
    // dockerd notices by itself that the daemon is back.
    while (!(await lives()));
    assert.equal((await docker.docker(["rm", "--force", "stays"])).code, 0);
    assert.equal((await daemon.ctr(["--namespace", "moby", "tasks", "ls", "-q"])).stdout, "");
  });
});

/** Without ids, and what dockerd says of this machine. */
function alike(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .split("\n")
    .filter((line) => !/IPv4 forwarding is disabled|swap limit|kernel memory/.test(line))
    .join("\n");
}
