import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = mkdtempSync(join(tmpdir(), "slipway-interop-"));
const address = join(root, "containerd.sock");
const rootfs = join(root, "rootfs");
const bin = fileURLToPath(new URL("../../bin", import.meta.url));
const isInstalled = existsSync("/usr/bin/containerd") && existsSync("/usr/bin/ctr");
let daemon: ChildProcess;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function ctr(...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile("ctr", ["-a", address, ...args], { timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr: stderr.replace(/time="[^"]*"/g, "") });
    });
  });
}

async function serves(): Promise<void> {
  for await (const chunk of daemon.stderr ?? []) {
    if (String(chunk).includes("containerd successfully booted")) return;
  }
}

before(async () => {
  if (!isInstalled) return;
  mkdirSync(join(rootfs, "bin"), { recursive: true });
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
  for (const name of ["sh", "echo", "sleep", "true"]) symlinkSync("busybox", join(rootfs, "bin", name));
  const disabled = ["grpc.v1.cri", "snapshotter.v1.devmapper", "snapshotter.v1.zfs", "snapshotter.v1.btrfs"];
  const list = disabled.map((id) => `"io.containerd.${id}"`).join(", ");
  writeFileSync(join(root, "config.toml"), `version = 2\ndisabled_plugins = [${list}]\n`);
  const flags = ["--root", join(root, "root"), "--state", join(root, "state"), "--address", address];
  daemon = spawn("containerd", ["-c", join(root, "config.toml"), ...flags], {
    env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
    stdio: ["ignore", "ignore", "pipe"],
  });
  await serves();
  daemon.stderr?.resume();
});
after(async () => {
  if (isInstalled) {
    const ended = new Promise((resolve) => {
      daemon.once("exit", resolve);
    });
    daemon.kill();
    await ended;
  }
  rmSync(root, { recursive: true });
});

/** Runs the same commands with containerd's own shim and with ours. */
async function both(run: (runtime: string, id: string) => Promise<Result>): Promise<[Result, Result]> {
  const theirs = await run("io.containerd.runc.v2", "same");
  const ours = await run("io.containerd.slipway.v1", "same");
  return [ours, theirs];
}

describe("the shim under containerd", { skip: !isInstalled }, () => {
  const runs: readonly [string, readonly string[]][] = [
    ["a program's output and exit code", ["/bin/sh", "-c", "echo out; echo err >&2; exit 42"]],
    ["a program that is missing", ["/bin/nope"]],
    ["a program that dies of a signal", ["/bin/sh", "-c", "kill -TERM $$"]],
  ];
  for (const [what, command] of runs) {
    it(`shows ${what} as containerd's own does`, async () => {
      const [ours, theirs] = await both((runtime, id) =>
        ctr("run", "--rm", "--rootfs", "--runtime", runtime, rootfs, id, ...command),
      );
      assert.deepEqual(ours, theirs);
    });
  }

  it("answers for a task in the background as containerd's own does", async () => {
    const [ours, theirs] = await both(async (runtime, id) => {
      const results = [
        await ctr("run", "-d", "--rootfs", "--runtime", runtime, rootfs, id, "/bin/sleep", "1000"),
      ];
      const also = async (...args: readonly string[]): Promise<void> => {
        results.push(await ctr("task", ...args));
      };
      await also("exec", "--exec-id", "one", id, "/bin/sh", "-c", "echo inside; exit 3");
      await also("exec", "--exec-id", "two", id, "/bin/nope");
      await also("pause", id);
      await also("exec", "--exec-id", "three", id, "/bin/true");
      await also("resume", id);
      await also("rm", id);
      await also("rm", "-f", id);
      await also("kill", id);
      await ctr("containers", "rm", id);
      return {
        code: 0,
        stdout: results.map(({ code, stdout }) => `${code} ${stdout}`).join("\n"),
        stderr: results.map(({ stderr }) => stderr).join("\n"),
      };
    });
    assert.deepEqual(ours, theirs);
  });
});
