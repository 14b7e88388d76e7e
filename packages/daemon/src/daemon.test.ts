import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
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
