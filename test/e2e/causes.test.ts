import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { after, before, describe, it } from "node:test";
import { programs, TestDaemon } from "../support/daemon.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import type { Result } from "../support/run.ts";

const architecture = arch() === "x64" ? "amd64" : arch();
const other = architecture === "amd64" ? "arm64" : "amd64";

describe("a failed start", () => {
  let daemon: TestDaemon;
  let rootfs: string;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
  });

  const run = (...args: readonly string[]): Promise<Result> => daemon.slipway(["run", "--rm", ...args]);

  /** The code, and the line after the message. */
  async function hinted(...args: readonly string[]): Promise<[code: number, hint: string]> {
    const { code, stderr } = await run(...args);
    assert.equal(stderr.split("\n").length, 3, stderr);
    return [code, stderr.split("\n")[1] ?? ""];
  }

  it("has a hint beside what runc said", async () => {
    assert.deepEqual(await hinted("--rootfs", rootfs, "nope"), [
      127,
      `Hint: no folder of the container's PATH has a program "nope"`,
    ]);
    assert.deepEqual(await hinted("--rootfs", rootfs, "/bin/nope"), [
      127,
      'Hint: the container has no file "/bin/nope"',
    ]);
    const [folder] = await hinted("--rootfs", rootfs, "/etc");
    assert.equal(folder, 126);
    const [, memory] = await hinted("-m", "1000", "--rootfs", rootfs, "true");
    assert.match(memory, /^Hint: starting a container takes (more|some) .*m/i);
    const [, mount] = await hinted("-v", "/etc/hosts:/tmp", "--rootfs", rootfs, "true");
    assert.match(mount, /^Hint: a folder can only be mounted on a folder/);
    const [, shim] = await hinted("--runtime", "io.containerd.nope.v1", "--rootfs", rootfs, "true");
    assert.match(shim, /containerd-shim-nope-v1/);
  });

  it("says what lacks where only the program's own output was left to say it on", async () => {
    writeFileSync(`${rootfs}/bin/script`, "#!/no/such/program\n");
    writeFileSync(`${rootfs}/bin/garbage`, Buffer.from("\u007fELFgarbage"));
    for (const name of ["script", "garbage"]) chmodSync(`${rootfs}/bin/${name}`, 0o755);
    const [, script] = await hinted("--rootfs", rootfs, "script");
    assert.match(script, /^Hint: "\/bin\/script" is there, but not what interprets it/);
    const [, garbage] = await hinted("--rootfs", rootfs, "garbage");
    assert.match(garbage, /^Hint: "\/bin\/garbage" is no program of this machine/);
  });

  it("names the root file system that neither the request nor the container has", async () => {
    const config = daemon.folder.join("rootless.json");
    const process = { cwd: "/", args: ["/bin/true"], user: { uid: 0, gid: 0 } };
    const linux = { namespaces: [{ type: "mount" }, { type: "pid" }] };
    writeFileSync(config, JSON.stringify({ ociVersion: "1.0.2", process, root: { path: "rootfs" }, linux }));
    await daemon.ctr(["containers", "create", "--config", config, "rootless"]);
    const { code, stderr } = await daemon.ctr(["tasks", "start", "rootless"]);
    assert.equal(code, 1);
    assert.match(stderr, /failed to create shim task: OCI runtime create failed: /);
    const missing = "neither does the request have mounts, nor the container a snapshot";
    assert.ok(
      stderr.endsWith(`; container "rootless" has no root file system: ${missing}: unknown\n`),
      stderr,
    );
    // The runtime had made directories in it.
    assert.deepEqual(readdirSync(`${daemon.state}/io.containerd.runtime.v2.task/default`), []);
  });

  it("blames the image's architecture where that is the cause", async () => {
    await using registry = await TestRegistry.start();
    mkdirSync(daemon.folder.join("layer/bin"), { recursive: true });
    copyFileSync(`${rootfs}/bin/garbage`, daemon.folder.join("layer/bin/sh"));
    const image = `${registry.host}/foreign:latest`;
    const config = ["--architecture", other];
    await makeImage(`docker://${image}`, { layers: [daemon.folder.join("layer")], config });
    const { stderr } = await run("--platform", `linux/${other}`, "-q", image);
    assert.match(
      stderr,
      new RegExp(`exec format error\nHint: the image is ${other}, this host ${architecture}\n`),
    );
  });

  it("is told to ctr in containerd's words alone", async () => {
    const said: string[] = [];
    for (const program of programs) {
      await using one = await TestDaemon.start(program);
      const { stderr } = await one.ctr(["run", "--rm", "--rootfs", rootfs, `cause-${program}`, "/bin/nope"]);
      said.push(stderr);
    }
    assert.doesNotMatch(said[0] ?? "", /hint/i);
    assert.equal(said[0], said.at(-1));
  });
});
