import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DockerSideBySide } from "../support/docker-side-by-side.ts";
import { hasDocker, imageStoreDocker, systemDocker } from "../support/docker.ts";

const releases = [
  ["this Debian's dockerd", systemDocker],
  ["a dockerd that keeps its images in the daemon", imageStoreDocker],
] as const;

for (const [name, release] of releases) {
  describe(name, { skip: !hasDocker(release) }, () => {
    const both = new DockerSideBySide(release);
    const run = (flags: readonly string[], ...command: readonly string[]): string[] => [
      "run",
      "--network",
      "none",
      ...flags,
      "busybox",
      ...command,
    ];
    // Not whether memory ran out: containerd tells that at times after the end, when dockerd has noted it.
    const state = (name: string): string[] => [
      "inspect",
      name,
      "--format",
      "{{.State.Status}} {{.State.ExitCode}}",
    ];

    it("runs to the end, with output, input, codes and errors", async () => {
      await both.same(
        run(["--rm"], "sh", "-c", "echo out; echo err >&2; exit 42"),
        { args: run(["--rm", "-i"], "cat"), input: "through stdin" },
        run(["--rm", "--user", "1:2", "--env", "X=1", "--workdir", "/tmp"], "sh", "-c", "id; pwd; echo $X"),
        run(["--rm", "--read-only"], "touch", "/x"),
        run(["--rm"], "nope"),
        run(["--rm"], "/etc"),
        ["ps", "--all", "--quiet"],
      );
    });

    it("looks after a container in the background", async () => {
      await both.same(
        run(["--detach", "--name", "life"], "sh", "-c", "echo begun; sleep 1000"),
        ["exec", "life", "sh", "-c", "echo inside; exit 3"],
        { args: ["exec", "-i", "life", "cat"], input: "through stdin" },
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
      await both.same(
        run(["--detach", "--name", "small", "--memory", "8m"], "sh", "-c", "a=a; while :; do a=$a$a; done"),
        ["wait", "small"],
        state("small"),
        run(["--detach", "--name", "again", "--restart", "on-failure:2"], "sh", "-c", "exit 5"),
      );
      const small = ["inspect", "small", "--format", "{{.State.OOMKilled}}"];
      assert.equal((await both.ours.docker.docker(small)).stdout, "true\n");
      for (const { docker } of both.pairs) {
        const stopped = ["events", "--since", "0", "--filter", "container=again", "--filter", "event=die"];
        // The third end is the last one: the stream is there until it is left.
        const ends = await docker.docker(["wait", "again"]);
        assert.equal(ends.stdout, "5\n");
        const seen = async (): Promise<number> =>
          (await docker.docker([...stopped, "--until", "0s"])).stdout.split("\n").length - 1;
        while ((await seen()) < 3);
      }
      await both.same(state("again"), ["rm", "small", "again"]);
    });

    it("finds its containers again after both daemons were killed and started", async () => {
      const { daemon, docker } = both.ours;
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

    it("keeps images that containers and a build make", { skip: !release.hasImageStore }, async () => {
      await both.same(
        ["image", "inspect", "busybox", "--format", "{{.Architecture}} {{.RootFS.Layers}}"],
        ["history", "--format", "{{.CreatedBy}}", "busybox"],
        run(["--detach", "--name", "source"], "sh", "-c", "echo x >/y; rm -r /root; exec sleep 1000"),
        ["exec", "source", "sh", "-c", "until [ -e /y ] && [ ! -e /root ]; do :; done"],
        ["diff", "source"],
        ["commit", "--pause", "source", "made:1"],
        ["rm", "--force", "source"],
        ["run", "--rm", "--network", "none", "made:1", "sh", "-c", "cat /y; ls /root"],
        {
          args: ["build", "--network", "none", "--tag", "built", "-"],
          input: "FROM made:1\nRUN echo built >/b\nCMD cat /b\n",
        },
        ["run", "--rm", "--network", "none", "built"],
        ["tag", "built", "other:2"],
        ["images", "--format", "{{.Tag}}", "other"],
        ["rmi", "built", "other:2", "made:1"],
        ["images", "--format", "{{.Tag}}", "other"],
      );
    });
  });
}
