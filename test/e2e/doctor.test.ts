import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { isRefusedByCrun } from "../support/crun.ts";
import { binFolder, programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { hasSystemd } from "../support/has-systemd.ts";
import { makeRootfs } from "../support/images.ts";
import { output, run } from "../support/run.ts";
import { until } from "../support/until.ts";

interface Leak {
  readonly Kind: string;
  readonly Where: string;
  readonly Reason: string;
}

const namespace = "doctor-test";
const scopePrefix = `doctor${process.pid}`;
const goShim = "/usr/bin/containerd-shim-runc-v2";

describe("slipway doctor", () => {
  let daemon: TestDaemon;
  let client: Client;
  let rootfs: string;
  /** Everything that must not be touched: what runs, is paused, was only created, and has ended. */
  let well: readonly string[];

  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    client = connect({ address: daemon.address, namespace });
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
    const start = (id: string, ...flags: readonly string[]): Promise<void> =>
      ctr("run", "-d", ...flags, "--rootfs", rootfs, id, "/bin/sleep", "1000");
    await start("runs");
    await start("foreign", "--runtime", goShim);
    await start("paused");
    await ctr("tasks", "pause", "paused");
    await ctr("run", "-d", "--rootfs", rootfs, "ended", "/bin/true");
    well = ["ended", "foreign", "paused", "runs"];
    await until(async () => (await states()).includes("ended stopped"));
  });
  after(async () => {
    for (const id of well) await daemon.ctr(["-n", namespace, "tasks", "rm", "--force", id]);
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  async function ctr(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await daemon.ctr(["-n", namespace, ...args]);
    assert.equal(code, 0, `ctr ${args.join(" ")}: ${stderr}`);
  }

  async function states(): Promise<string[]> {
    const tasks = await client.tasks.list();
    return tasks.map(({ containerId, status }) => `${containerId} ${status}`).toSorted();
  }

  async function leaks(): Promise<Leak[]> {
    const { code, stdout } = await daemon.slipway(["doctor", "--least-age", "0s", "--format", "json"]);
    const found = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Leak);
    assert.equal(code, found.length === 0 ? 0 : 1);
    return found;
  }

  /** Repairs, and looks whether that was all and nothing else. */
  async function repaired(count: number): Promise<void> {
    const before = await states();
    const { code, stdout, stderr } = await daemon.slipway([
      "doctor",
      "--repair",
      "--force",
      "--least-age",
      "0s",
    ]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Removed: ${count}$`, "m"));
    assert.deepEqual(await leaks(), []);
    assert.deepEqual(
      (await states()).filter((state) => well.includes(state.split(" ")[0] ?? "")),
      before.filter((state) => well.includes(state.split(" ")[0] ?? "")),
    );
  }

  /** A container below the daemon's root for runtimes that no daemon knows of. */
  async function runAlone(
    program: string,
    id: string,
    { scope }: { readonly scope?: string } = {},
  ): Promise<{ pid: number; state: string }> {
    using folder = new TestFolder("alone");
    await output("runc", ["spec", "-b", folder.path]);
    const spec = JSON.parse(readFileSync(folder.join("config.json"), "utf8")) as {
      process: { args: string[]; terminal: boolean };
      root: { path: string };
      linux: { cgroupsPath?: string };
    };
    Object.assign(spec.process, { args: ["/bin/sleep", "1000"], terminal: false });
    spec.root.path = rootfs;
    if (scope !== undefined) spec.linux.cgroupsPath = `system.slice:${scope}`;
    writeFileSync(folder.join("config.json"), JSON.stringify(spec));
    const root = join(daemon.state, "runc", namespace);
    const flags = ["-d", "--pid-file", folder.join("pid"), "-b", folder.path, id];
    const driver = scope === undefined ? [] : ["--systemd-cgroup"];
    const started = spawn(program, ["--root", root, ...driver, "run", ...flags], { stdio: "ignore" });
    assert.deepEqual(await once(started, "exit"), [0, null]);
    return { pid: Number(readFileSync(folder.join("pid"), "utf8")), state: join(root, id) };
  }

  const bundles = (): string => join(daemon.state, "io.containerd.runtime.v2.task", namespace);

  it("finds nothing where nothing was left behind", async () => {
    assert.deepEqual(await leaks(), []);
    const { code, stdout } = await daemon.slipway(["doctor", "--least-age", "0s"]);
    assert.deepEqual([code, stdout], [0, "Nothing was left behind.\n"]);
    assert.deepEqual(await states(), ["ended stopped", "foreign running", "paused paused", "runs running"]);
  });

  it("asks before it removes", async () => {
    mkdirSync(join(bundles(), "asked"));
    const answered = await daemon.slipway(["doctor", "--repair", "--least-age", "0s"], { input: "n\n" });
    assert.match(answered.stderr, /WARNING! .*Are you sure/s);
    assert.equal((await leaks()).length, 1);
    assert.ok(existsSync(join(bundles(), "asked")));
    await repaired(1);
    assert.ok(!existsSync(join(bundles(), "asked")));
  });

  it("removes a bundle that no task has, with what is mounted in it and what its work link led to", async () => {
    const bundle = join(bundles(), "ghost");
    const work = join(daemon.root, "io.containerd.runtime.v2.task", namespace, "orphan");
    mkdirSync(join(bundle, "rootfs"), { recursive: true });
    mkdirSync(work, { recursive: true });
    mkdirSync(join(bundles(), ".half"));
    await output("mount", ["-t", "tmpfs", "tmpfs", join(bundle, "rootfs")]);
    writeFileSync(join(bundle, "rootfs/file"), "");
    const found = await leaks();
    assert.deepEqual(found.map(({ Kind }) => Kind).toSorted(), ["bundle", "bundle", "work"]);
    assert.match(found.find(({ Where }) => Where === bundle)?.Reason ?? "", /mounted on .*ghost\/rootfs/);
    await repaired(3);
    assert.deepEqual([existsSync(bundle), existsSync(work)], [false, false]);
    assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), /ghost/);
  });

  for (const program of ["runc", "crun"]) {
    const skip = program === "crun" && isRefusedByCrun();
    it(`ends what ${program} runs for nobody`, { skip }, async () => {
      const { pid, state } = await runAlone(program, "alone");
      const [found] = await leaks();
      assert.deepEqual([found?.Kind, found?.Where], ["container", state]);
      await repaired(1);
      assert.ok(!isRunning(pid));
      assert.ok(!existsSync(state));
    });
  }

  const noCrun = { skip: isRefusedByCrun() };
  it("has the program that a container names end what it runs for nobody", noCrun, async () => {
    const program = daemon.folder.join("our-crun");
    symlinkSync("/usr/bin/crun", program);
    await ctr("run", "-d", "--runc-binary", program, "--rootfs", rootfs, "named", "/bin/sleep", "1000");
    await ctr("tasks", "rm", "--force", "named");
    const { pid, state } = await runAlone(program, "named");
    // From here on, it tells that it was asked.
    rmSync(program);
    writeFileSync(program, `#!/bin/sh\necho asked >>${daemon.folder.path}/asked\nexec crun "$@"\n`, {
      mode: 0o755,
    });
    await repaired(1);
    assert.equal(readFileSync(daemon.folder.join("asked"), "utf8"), "asked\n");
    assert.deepEqual([isRunning(pid), existsSync(state)], [false, false]);
    await client.containers.delete("named");
  });

  it("removes empty cgroups, and no others", async () => {
    const hierarchies = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => join(line.split(" ")[4] ?? "", namespace));
    for (const path of hierarchies) mkdirSync(join(path, "empty/below"), { recursive: true });
    const other = join(hierarchies[0] ?? "", "in-use");
    mkdirSync(other);
    const sleeper = spawn("sleep", ["1000"], { stdio: "ignore" });
    await once(sleeper, "spawn");
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      const parent = join(hierarchies[0] ?? "", name);
      if (existsSync(parent)) writeFileSync(join(other, name), readFileSync(parent, "utf8"));
    }
    writeFileSync(join(other, "cgroup.procs"), String(sleeper.pid));
    assert.deepEqual(
      (await leaks()).map(({ Kind, Where }) => [Kind, Where]),
      [["cgroup", `/${namespace}/empty`]],
    );
    await repaired(1);
    assert.ok(existsSync(other));
    assert.ok(hierarchies.every((path) => !existsSync(join(path, "empty"))));
    const ended = once(sleeper, "exit");
    sleeper.kill("SIGKILL");
    await ended;
    // The kernel frees it a moment after its last process.
    await until(() => tryRemove(other));
  });

  for (const program of ["runc", "crun"]) {
    it(`ends what ${program} runs for nobody in a scope of systemd's`, { skip: !hasSystemd }, async () => {
      const { pid, state } = await runAlone(program, "scoped", { scope: `${scopePrefix}:${program}` });
      assert.equal(await stateOf(`${scopePrefix}-${program}.scope`), "active");
      assert.deepEqual(
        (await leaks()).map(({ Kind, Where }) => [Kind, Where]),
        [["container", state]],
      );
      await repaired(1);
      assert.ok(!isRunning(pid));
      await until(async () => (await stateOf(`${scopePrefix}-${program}.scope`)) === "inactive");
    });
  }

  it("removes a scope that failed, of a container without a task", { skip: !hasSystemd }, async () => {
    const [path, scope] = [`system.slice:${scopePrefix}:failed`, `${scopePrefix}-failed.scope`];
    const flags = ["--runc-systemd-cgroup", "--cgroup", path, "--rootfs", rootfs];
    await ctr("run", "-d", ...flags, "failed", "/bin/sleep", "1000");
    assert.equal(await stateOf(scope), "active");
    assert.deepEqual(await leaks(), []);
    await ctr("tasks", "rm", "--force", "failed");
    assert.deepEqual(await leaks(), []);
    const limits = ["--property=MemoryMax=10M", "--property=MemorySwapMax=0"];
    await run("systemd-run", ["--scope", `--unit=${scope}`, ...limits, "tail", "/dev/zero"]);
    await until(async () => (await stateOf(scope)) === "failed");
    assert.deepEqual(
      (await leaks()).map(({ Kind, Where }) => [Kind, Where]),
      [["cgroup", scope]],
    );
    await repaired(1);
    assert.equal(await stateOf(scope), "inactive");
    await client.containers.delete("failed");
  });

  it("ends shims that hold nothing, and removes their sockets", async () => {
    const sockets = join(daemon.state, "s");
    const socket = join(sockets, "ghost.sock");
    const flags = [
      "-namespace",
      namespace,
      "-events",
      join(daemon.state, "none"),
      "-socket",
      socket,
      "serve",
    ];
    const shim = spawn(join(binFolder, "containerd-shim-slipway-v1"), flags, {
      stdio: "ignore",
      detached: true,
    });
    await until(() => existsSync(socket));
    writeFileSync(join(sockets, "dead.sock"), "");
    assert.deepEqual((await leaks()).map(({ Kind }) => Kind).toSorted(), ["shim", "socket"]);
    await repaired(2);
    assert.ok(shim.pid !== undefined && !isRunning(shim.pid));
    assert.ok(!existsSync(socket));
  });

  it(
    "ends a shim of another kind whose bundle is gone, with its container",
    { skip: !programs.includes("containerd") },
    async () => {
      await ctr("run", "-d", "--runtime", goShim, "--rootfs", rootfs, "lost", "/bin/sleep", "1000");
      const { pid } = await client.tasks.get({ containerId: "lost" });
      await daemon.stop("SIGKILL");
      await output("umount", ["-l", join(bundles(), "lost/rootfs")]).catch(() => "");
      rmSync(join(bundles(), "lost"), { recursive: true });
      await daemon.start();
      const [found] = await leaks();
      assert.deepEqual([found?.Kind, found?.Reason], ["shim", 'no task "lost" needs this shim']);
      assert.ok(isRunning(pid));
      await repaired((await leaks()).length);
      assert.ok(!isRunning(pid));
      await client.containers.delete("lost");
    },
  );

  it("ends a task whose container is gone", async () => {
    await ctr("run", "-d", "--rootfs", rootfs, "nameless", "/bin/sleep", "1000");
    const { pid } = await client.tasks.get({ containerId: "nameless" });
    await client.containers.delete("nameless");
    const [found] = await leaks();
    assert.deepEqual([found?.Kind, found?.Where], ["task", `pid ${pid}`]);
    await repaired(1);
    assert.ok(!isRunning(pid));
  });

  it("leaves what is young", async () => {
    mkdirSync(join(bundles(), "young"));
    const { code, stdout } = await daemon.slipway(["doctor", "--least-age", "1h"]);
    assert.deepEqual([code, stdout], [0, "Nothing was left behind.\n"]);
    assert.equal((await leaks()).length, 1);
    await repaired(1);
  });
});

describe("slipway doctor with another daemon", { skip: !programs.includes("containerd") }, () => {
  it("says that there is no doctor", async () => {
    await using daemon = await TestDaemon.start("containerd");
    const { code, stderr } = await daemon.slipway(["doctor"]);
    assert.deepEqual(
      [code, stderr],
      [1, "slipway: Cannot examine this daemon: only slipwayd has a doctor\n"],
    );
  });
});

/** A unit's: `active`, `inactive`, `failed`. */
async function stateOf(unit: string): Promise<string> {
  return (await run("systemctl", ["is-active", unit])).stdout.trim();
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function tryRemove(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}
