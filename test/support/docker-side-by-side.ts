import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before } from "node:test";
import { TestDaemon } from "./daemon.ts";
import { type DockerRelease, TestDocker } from "./docker.ts";
import { TestFolder } from "./folder.ts";
import { makeImage, makeRootfs } from "./images.ts";

interface Pair {
  readonly daemon: TestDaemon;
  readonly docker: TestDocker;
}

/** Docker's arguments, with what it reads where it reads. */
type Command = readonly string[] | { readonly args: readonly string[]; readonly input: string };

/** The same dockerd on slipwayd and on Debian's containerd, each with an image `busybox`, during a suite's tests. */
export class DockerSideBySide {
  #pairs: readonly Pair[] = [];

  constructor(release: DockerRelease) {
    before(async () => {
      using folder = new TestFolder("docker-image");
      mkdirSync(folder.join("rootfs"));
      const archive = folder.join("image.tar");
      const layers = [makeRootfs(folder.join("rootfs"))];
      await makeImage(`docker-archive:${archive}:busybox:latest`, { layers });
      for (const program of ["slipwayd", "containerd"] as const) {
        const daemon = await TestDaemon.start(program);
        const docker = await TestDocker.start(release, daemon.address);
        this.#pairs = [...this.#pairs, { daemon, docker }];
        const { code, stderr } = await docker.docker(["load", "-i", archive]);
        assert.equal(code, 0, stderr);
      }
    });
    after(async () => {
      for (const { daemon, docker } of this.#pairs) {
        await docker[Symbol.asyncDispose]();
        await daemon[Symbol.asyncDispose]();
      }
    });
  }

  get pairs(): readonly Pair[] {
    return this.#pairs;
  }

  /** The one on slipwayd. */
  get ours(): Pair {
    const [ours] = this.#pairs;
    assert.ok(ours);
    return ours;
  }

  /** Runs commands of docker in their order with both, and compares each one's code and output. */
  async same(...commands: readonly Command[]): Promise<void> {
    const transcripts = [];
    for (const { docker } of this.#pairs) {
      const transcript = [];
      for (const command of commands) {
        const { args, input } = "args" in command ? command : { args: command, input: "" };
        const { code, stdout, stderr } = await docker.docker(args, { input });
        transcript.push({ args, code, stdout: alike(stdout), stderr: alike(stderr) });
      }
      transcripts.push(transcript);
    }
    assert.deepEqual(transcripts[0], transcripts[1]);
  }
}

/** Without ids, what dockerd says of this machine, what docker says of its own timing, and a code that containerd before 2.0 wrote into its messages. */
function alike(text: string): string {
  return text
    .replaceAll(/\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b/g, "ID")
    .replaceAll(/: unknown\b/g, "")
    .split("\n")
    .filter((line) => !/IPv4 forwarding is disabled|swap limit|error waiting for container/.test(line))
    .join("\n");
}
