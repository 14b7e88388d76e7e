import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { decodeEvent } from "@slipway/client/events";
import { TestDaemon } from "../support/daemon.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { until } from "../support/until.ts";

interface Inspected {
  readonly State: {
    readonly Health?: {
      readonly Status: string;
      readonly FailingStreak: number;
      readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[];
    };
  };
  readonly Config: { readonly Healthcheck?: { readonly Test: readonly string[] } };
}

describe("health checks", () => {
  let daemon: TestDaemon;
  let client: Client;
  let rootfs: string;

  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    client = connect({ address: daemon.address });
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  const printed = async (...args: readonly string[]): Promise<string> =>
    (await daemon.printed(...args)).trim();

  const run = (...flags: readonly string[]): Promise<string> =>
    printed("run", "-d", ...flags, "--rootfs", rootfs, "sleep", "1000");

  async function inspect(id: string): Promise<Inspected> {
    const [found] = JSON.parse(await printed("inspect", id)) as [Inspected];
    return found;
  }

  async function becomes(id: string, wanted: string): Promise<string> {
    return await until(async () => {
      const status = await printed("ps", "-a", "-f", `id=${id}`, "--format", "{{.Status}}");
      return status.includes(wanted) && status;
    });
  }

  it("turn with what the container says, are told as events, and keep the last five results", async () => {
    const leave = new AbortController();
    using _ = { [Symbol.dispose]: () => leave.abort() };
    const heard: unknown[] = [];
    const listening = (async () => {
      const filters = ['topic=="/slipway/containers/health_status"'];
      for await (const envelope of client.events.subscribe(filters, { signal: leave.signal })) {
        heard.push(decodeEvent(envelope)?.["status"]);
      }
    })().catch(() => undefined);
    const ready = `${rootfs}/ready`;
    const line = "echo looked; test -e /ready";
    const id = await run("--health-cmd", line, "--health-interval", "100ms", "--health-retries", "2");
    assert.match(await becomes(id, "health"), /^Up .* \(health: starting\)|\(unhealthy\)$/);
    assert.match(await becomes(id, "unhealthy"), /^Up .* \(unhealthy\)$/);
    writeFileSync(ready, "");
    await becomes(id, "(healthy)");
    await until(async () => (await inspect(id)).State.Health?.Log.every(({ ExitCode }) => ExitCode === 0));
    const { State, Config } = await inspect(id);
    assert.deepEqual(Config.Healthcheck?.Test, ["CMD-SHELL", line]);
    assert.equal(State.Health?.FailingStreak, 0);
    assert.deepEqual(
      State.Health?.Log.map(({ Output }) => Output),
      Array.from({ length: 5 }, () => "looked\n"),
    );
    assert.equal(await printed("ps", "-q", "--no-trunc", "-f", "health=healthy"), id);
    await until(() => heard.length >= 2);
    assert.deepEqual(heard.slice(0, 2), ["unhealthy", "healthy"]);
    leave.abort();
    await listening;
    await printed("rm", "-f", id);
    rmSync(ready);
  });

  it("end a check that takes too long, with all it has printed up to 4 KiB", async () => {
    const line = "yes | head -c 100000; exec sleep 1000";
    const id = await run("--health-cmd", line, "--health-interval", "50ms", "--health-timeout", "300ms");
    const result = await until(async () => (await inspect(id)).State.Health?.Log[0]);
    assert.equal(result.ExitCode, -1);
    assert.match(result.Output, /^Health check exceeded timeout \(0\.3s\): y\ny\n/);
    assert.ok(result.Output.length < 4200);
    await printed("rm", "-f", id);
  });

  it("leave a paused container, and go on after the daemon was killed", async () => {
    const ran = daemon.folder.join("rootfs/ran");
    const id = await run("--health-cmd", "echo >> /ran", "--health-interval", "100ms");
    await becomes(id, "(healthy)");
    await daemon.stop("SIGKILL");
    const before = readFileSync(ran).length;
    await daemon.start();
    await until(() => readFileSync(ran).length > before + 1);
    assert.match(await becomes(id, "Up"), /\(healthy\)$/, "it is not asked from the start");
    await printed("pause", id);
    await becomes(id, "(Paused)");
    await printed("unpause", id);
    const paused = readFileSync(ran).length;
    await until(() => readFileSync(ran).length > paused);
    await printed("rm", "-f", id);
  });

  it("leave no probe behind when the daemon is killed while it runs", async () => {
    const id = await run(
      "--health-cmd",
      "exec sleep 4321",
      "--health-interval",
      "50ms",
      "--health-timeout",
      "1h",
    );
    const probes = async (): Promise<string[]> =>
      (await printed("top", id)).split("\n").filter((line) => line.includes("sleep 4321"));
    await until(async () => (await probes()).length === 1);
    const [before] = await probes();
    await daemon.stop("SIGKILL");
    await daemon.start();
    // The next one begins, and the one before is gone.
    const [after] = await until(async () => {
      const found = await probes();
      return found.length === 1 && found[0] !== before && found;
    });
    assert.notEqual(after, before);
    await printed("rm", "-f", id);
  });

  it("kill an unhealthy container where the user asked for it, and its policy brings it back", async () => {
    const flags = ["--health-cmd", "false", "--health-interval", "50ms", "--health-retries", "1"];
    const kept = await run(...flags, "--health-on-failure", "kill", "--restart", "on-failure:1");
    await until(async () => (await printed("inspect", "-f", "{{.RestartCount}}", kept)) === "1");
    assert.match(await becomes(kept, "Exited"), /^Exited \(137\)/);
    await printed("rm", "-f", kept);
  });

  it("take the image's check, unless told not to", async () => {
    await using registry = await TestRegistry.start();
    mkdirSync(daemon.folder.join("layer"));
    makeRootfs(daemon.folder.join("layer"));
    const image = `${registry.host}/checked:latest`;
    await makeImage(`docker://${image}`, { layers: [daemon.folder.join("layer")] });
    await withHealthcheck(image);
    const id = await printed("run", "-d", `${image}-docker`, "sleep", "1000");
    await becomes(id, "(healthy)");
    const without = await printed("run", "-d", "--no-healthcheck", `${image}-docker`, "sleep", "1000");
    assert.equal((await inspect(without)).State.Health, undefined);
    assert.doesNotMatch(await becomes(without, "Up"), /health/);
    await printed("rm", "-f", id, without);

    /** Docker's configuration has what the OCI's has not: the image again, with it. */
    async function withHealthcheck(name: string): Promise<void> {
      const [repository = "", tag = ""] = name.split(`${registry.host}/`)[1]?.split(":") ?? [];
      const base = `http://${registry.host}/v2/${repository}`;
      const accept = { Accept: "application/vnd.oci.image.manifest.v1+json" };
      const manifest = (await (await fetch(`${base}/manifests/${tag}`, { headers: accept })).json()) as {
        config: { digest: string; size: number };
      };
      const config = (await (await fetch(`${base}/blobs/${manifest.config.digest}`)).json()) as {
        config: object;
      };
      const Healthcheck = { Test: ["CMD", "true"], Interval: 1e8 };
      const text = JSON.stringify({ ...config, config: { ...config.config, Healthcheck } });
      const { digestOf } = await import("@slipway/oci/digest");
      const digest = digestOf(text);
      const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
      const place = begun.headers.get("location") ?? "";
      const ended = await fetch(`${place}&digest=${digest}`, { method: "PUT", body: text });
      assert.equal(ended.status, 201, await ended.text());
      const put = await fetch(`${base}/manifests/${tag}-docker`, {
        method: "PUT",
        headers: { "Content-Type": "application/vnd.oci.image.manifest.v1+json" },
        body: JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: text.length } }),
      });
      assert.equal(put.status, 201, await put.text());
    }
  });

  it("leave nothing of a probe behind", async () => {
    const id = await run("--health-cmd", "true", "--health-interval", "50ms");
    await becomes(id, "(healthy)");
    await printed("rm", "-f", id);
    const folder = `${daemon.state}/io.containerd.monitor.container.v1.health`;
    assert.ok(existsSync(folder));
    const { readdirSync } = await import("node:fs");
    await until(() => readdirSync(folder).length === 0);
  });
});
