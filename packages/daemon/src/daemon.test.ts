import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import { connect } from "@slipway/client/connect";
import { TtrpcClient } from "@slipway/ttrpc/client";

const run = promisify(execFile);
const slipwayd = join(import.meta.dirname, "../../../bin/slipwayd");
const folder = mkdtempSync(join(tmpdir(), "slipwayd-"));
const root = join(folder, "root");
const address = join(folder, "state/slipway.sock");

async function ctr(...args: readonly string[]): Promise<string> {
  return (await run("ctr", ["--address", address, ...args])).stdout;
}

/** A slipwayd that serves. */
async function start(): Promise<ChildProcess> {
  const flags = ["--root", root, "--state", join(folder, "state"), "--address", address];
  const child = spawn(slipwayd, flags, { stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (line.includes("successfully booted")) {
      child.stderr.resume();
      return child;
    }
  }
  throw new Error(`slipwayd did not start: ${lines.join("\n")}`);
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, "exit") as Promise<[number | null]>;
  child.kill(signal);
  return (await ended)[0];
}

describe("slipwayd", () => {
  let daemon: ChildProcess;
  before(async () => {
    daemon = await start();
  });
  after(async () => {
    if (daemon.exitCode === null) await stop(daemon, "SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("answers ctr", async () => {
    assert.match(await ctr("version"), /Server:\n {2}Version: {2}2\./);
    assert.match(await ctr("plugins", "ls"), /io\.containerd\.grpc\.v1 +version +- +ok/);
  });

  it("publishes what a shim hands to its binary, and refuses what is no event", async () => {
    await using client = connect({ address, namespace: "publishing" });
    const events = client.events.subscribe(["namespace==publishing"])[Symbol.asyncIterator]();
    const first = events.next();
    const payload = { typeUrl: "example.v1.Thing", value: new Uint8Array([8, 1]) };
    const publish = async (input: Uint8Array, ...args: string[]): Promise<boolean> => {
      const publishing = run(slipwayd, ["--address", address, "publish", ...args]);
      publishing.child.stdin?.end(input);
      await publishing;
      return false;
    };
    const bytes = toBinary(AnySchema, create(AnySchema, payload));
    // Who subscribes hears what comes from then on, and nobody says when that is.
    const heard = first.then(() => true);
    while (
      !(await Promise.race([heard, publish(bytes, "-namespace", "publishing", "--topic", "/things/one")]))
    );
    const { value } = await first;
    assert.deepEqual(
      [value?.topic, value?.namespace, value?.event.typeUrl, [...(value?.event.value ?? [])]],
      ["/things/one", "publishing", payload.typeUrl, [...payload.value]],
    );
    await events.return?.(undefined);
    await assert.rejects(publish(bytes, "--namespace", "publishing"), { stderr: /topic required/ });
    await assert.rejects(publish(new Uint8Array([255]), "--topic", "/x"), {
      stderr: /Cannot read the event/,
    });
  });

  it("shows every plugin's configuration, and names what is wrong with one", async () => {
    const { stdout } = await run(slipwayd, ["config", "default"]);
    assert.match(stdout, /\[plugins\."io\.containerd\.gc\.v1\.scheduler"\]\n(?:.*\n)*?schedule_delay = "0s"/);
    const file = join(folder, "config.toml");
    const overlay = '[plugins."io.containerd.snapshotter.v1.overlayfs"]';
    writeFileSync(file, `version = 3\n${overlay}\nsync_remov = true\n`);
    const check = (): Promise<unknown> => run(slipwayd, ["-c", file, "config", "check"]);
    await assert.rejects(check(), { code: 1, stderr: /overlayfs"\.sync_remov": did you mean "sync_remove"/ });
    writeFileSync(file, `version = 3\n${overlay}\nlayer_format = "zip"\n`);
    await assert.rejects(check(), { stderr: /layer_format": expected one of auto, erofs, directory/ });
    writeFileSync(file, (await run(slipwayd, ["config", "default"])).stdout);
    await check();
    assert.deepEqual((await run(slipwayd, ["-c", file, "config", "dump"])).stdout, stdout);
    const theirs = join(import.meta.dirname, "../testdata/containerd-1.6-default.toml");
    await run(slipwayd, ["-c", theirs, "config", "check"]);
  });

  it("answers shims over ttrpc", async () => {
    await using client = await TtrpcClient.connect(`${address}.ttrpc`);
    await assert.rejects(client.unary(Task.method.state, {}), { code: "unimplemented" });
  });

  it("keeps its root, its state and its sockets to root", () => {
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const paths = [root, join(folder, "state"), address, `${address}.ttrpc`];
    assert.deepEqual(paths.map(modeOf), ["700", "711", "600", "600"]);
  });

  it("refuses a second instance on its root, naming the first", async () => {
    await assert.rejects(start(), (error: Error) => {
      assert.match(error.message, /the slipwayd with pid \d+ is running on it/);
      return true;
    });
  });

  it("stops by SIGTERM with 0, without its sockets, and starts again after SIGKILL", async () => {
    assert.equal(await stop(daemon, "SIGTERM"), 0);
    assert.equal(existsSync(address), false);
    assert.equal(existsSync(`${address}.ttrpc`), false);
    daemon = await start();
    await stop(daemon, "SIGKILL");
    assert.equal(existsSync(address), true);
    daemon = await start();
    assert.match(await ctr("version"), /Server:/);
  });
});
