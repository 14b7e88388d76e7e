import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { hasCode } from "@slipway/fault/fault";
import { TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import { until } from "../support/until.ts";

describe("the restart monitor", () => {
  let daemon: TestDaemon;
  let client: Client;
  let rootfs: string;

  before(async () => {
    // Far longer than a test: whatever happens here, events have caused it.
    const config = '[plugins."io.containerd.internal.v1.restart"]\n  interval = "10m"\n';
    daemon = await TestDaemon.start("slipwayd", { config });
    client = connect({ address: daemon.address });
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  const printed = async (...args: readonly string[]): Promise<string> =>
    (await daemon.printed(...args)).trim();

  async function labelsOf(id: string): Promise<Readonly<Record<string, string>>> {
    return (await client.containers.get(id)).labels;
  }

  async function pidOf(containerId: string): Promise<number | undefined> {
    try {
      const { status, pid } = await client.tasks.get({ containerId });
      return status === "running" ? pid : undefined;
    } catch (error) {
      if (hasCode(error, "not_found")) return undefined;
      throw error;
    }
  }

  const rerun = (id: string, before: number): Promise<number> =>
    until(async () => {
      const pid = await pidOf(id);
      return pid !== before && pid;
    });

  it("starts a failing container again as often as it may, and its log goes on", async () => {
    const id = await printed(
      "run",
      "-d",
      "--restart",
      "on-failure:2",
      "--rootfs",
      rootfs,
      "sh",
      "-c",
      "echo one; exit 3",
    );
    await until(async () => (await labelsOf(id))["containerd.io/restart.count"] === "2");
    await until(async () => (await daemon.slipway(["logs", id])).stdout === "one\none\none\n");
    assert.match(await until(() => statusOf(id, /^Exited/)), /^Exited \(3\)/);
    const [inspected] = JSON.parse(await printed("inspect", id)) as [
      { RestartCount: number; HostConfig: { RestartPolicy: object } },
    ];
    assert.equal(inspected.RestartCount, 2);
    assert.deepEqual(inspected.HostConfig.RestartPolicy, { Name: "on-failure", MaximumRetryCount: 2 });
    await printed("rm", id);
  });

  async function statusOf(id: string, wanted: RegExp): Promise<string | undefined> {
    const status = await printed("ps", "-a", "-f", `id=${id}`, "--format", "{{.Status}}");
    return wanted.test(status) ? status : undefined;
  }

  it("shows that it waits before it starts again what fails at once", async () => {
    const id = await printed("run", "-d", "--restart", "always", "--rootfs", rootfs, "false");
    assert.match(await until(() => statusOf(id, /^Restarting \(/)), /^Restarting \(1\) /);
    assert.equal(await printed("ps", "-q", "--no-trunc"), id, "Docker lists it without -a");
    await printed("rm", "-f", id);
  });

  it("lets who follows the log see what comes after a restart, until the container ends for good", async () => {
    const line = "echo again; exec sleep 1000";
    const id = await printed(
      "run",
      "-d",
      "--restart",
      "unless-stopped",
      "--rootfs",
      rootfs,
      "sh",
      "-c",
      line,
    );
    const following = daemon.slipway(["logs", "-f", id]);
    const pid = (await pidOf(id)) ?? 0;
    process.kill(pid, "SIGKILL");
    await rerun(id, pid);
    await until(async () => (await daemon.slipway(["logs", id])).stdout === "again\nagain\n");
    await printed("stop", "-t", "0", id);
    assert.deepEqual(await following, { code: 0, stdout: "again\nagain\n", stderr: "" });
    await printed("rm", id);
  });

  it("starts a killed container again, but not one that was stopped, until somebody starts it", async () => {
    const id = await printed("run", "-d", "--restart", "unless-stopped", "--rootfs", rootfs, "sleep", "1000");
    const pid = (await pidOf(id)) ?? 0;
    process.kill(pid, "SIGKILL");
    const second = await rerun(id, pid);
    await printed("stop", "-t", "0", id);
    assert.equal((await labelsOf(id))["containerd.io/restart.explicitly-stopped"], "true");
    await printed("start", id);
    const third = await rerun(id, second);
    const { "containerd.io/restart.count": count = "0" } = await labelsOf(id);
    assert.equal(count, "0", "a start by hand counts anew");
    process.kill(third, "SIGKILL");
    await rerun(id, third);
    await printed("update", "--restart", "no", id);
    const last = (await pidOf(id)) ?? 0;
    process.kill(last, "SIGKILL");
    await client.tasks.wait({ containerId: id });
    assert.match(await printed("ps", "-a", "-f", `id=${id}`, "--format", "{{.Status}}"), /^Exited \(137\)/);
    await printed("rm", id);
  });

  it("keeps what ctr has labelled, with its output where the label says", async () => {
    const log = daemon.folder.join("ctr.log");
    const labels = {
      "containerd.io/restart.status": "running",
      "containerd.io/restart.policy": "on-failure",
      "containerd.io/restart.loguri": `file://${log}`,
    };
    const flags = Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]);
    const ran = await daemon.ctr([
      "run",
      "-d",
      ...flags,
      "--rootfs",
      rootfs,
      "kept",
      "/bin/sh",
      "-c",
      "echo up; exec /bin/sleep 1000",
    ]);
    assert.equal(ran.code, 0, ran.stderr);
    const pid = (await pidOf("kept")) ?? 0;
    assert.equal((await daemon.ctr(["tasks", "kill", "-s", "KILL", "kept"])).code, 0);
    const second = await rerun("kept", pid);
    await until(() => readFileSync(log, "utf8") === "up\n");
    // What is to be stopped is stopped, and its task goes.
    await daemon.ctr(["containers", "label", "kept", "containerd.io/restart.status=stopped"]);
    await until(() => !isAlive(second));
    await until(async () => (await client.tasks.list()).every(({ containerId }) => containerId !== "kept"));
    await client.containers.delete("kept");
  });

  it("finds out after the daemon was killed what ended meanwhile", async () => {
    const run = (policy: string): Promise<string> =>
      printed("run", "-d", "--restart", policy, "--rootfs", rootfs, "sleep", "1000");
    const [failing, stopped, always] = await Promise.all([
      run("on-failure"),
      run("unless-stopped"),
      run("always"),
    ]);
    const pids = await Promise.all([failing, stopped, always].map((id) => pidOf(id)));
    await printed("stop", "-t", "0", stopped, always);
    assert.deepEqual([await pidOf(stopped), await pidOf(always)], [undefined, undefined]);
    await daemon.stop("SIGKILL");
    process.kill(pids[0] ?? 0, "SIGKILL");
    await daemon.start();
    await rerun(failing, pids[0] ?? 0);
    // Docker's difference between the two.
    await rerun(always, pids[2] ?? 0);
    assert.equal(await pidOf(stopped), undefined);
    await printed("rm", "-f", failing, stopped, always);
  });

  it("lists its policies where nerdctl looks for them", async () => {
    const { stdout } = await daemon.ctr(["plugins", "ls", "-d", "id==restart"]);
    for (const policy of ["always", "on-failure", "unless-stopped"]) assert.match(stdout, new RegExp(policy));
    const { code, stderr } = await daemon.slipway([
      "run",
      "--rm",
      "--restart",
      "always",
      "--rootfs",
      rootfs,
      "true",
    ]);
    assert.deepEqual([code, /--restart.*--rm/.test(stderr)], [125, true], stderr);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
