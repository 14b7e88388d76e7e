import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { binFolder, type Program, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { type Result, run, type RunOptions } from "../support/run.ts";

const programs: readonly Program[] = existsSync("/usr/bin/containerd") ? ["containerd"] : [];

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

    function slipway(args: readonly string[], options: RunOptions = {}): Promise<Result> {
      const env = { SLIPWAY_ADDRESS: daemon.address, SLIPWAY_ROOT: daemon.folder.join("cli") };
      return run(join(binFolder, "slipway"), args, { ...options, env });
    }

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
      assert.deepEqual([first.code, first.stdout], [0, "/bin\n0\n"]);
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
  });
}
