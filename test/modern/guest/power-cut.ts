/*
 * What the guest does between two power cuts: looks at what the last one left on the data disk, checks that all of it
 * is whole and that everything goes on, and then pulls and starts until the power goes. With the argument `last`, it
 * ends after the checks.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { TestDaemon } from "../../support/daemon.ts";
import { TestRegistry } from "../../support/registry.ts";
import { output, type Result } from "../../support/run.ts";

const DATA = "/data";
const timeoutMs = 300_000;

await output("mount", ["LABEL=data", DATA]);
await using registry = await TestRegistry.start({ data: `${DATA}/registry` });
const image = `${registry.host}/torn:latest`;
const expected = readFileSync(`${DATA}/expected`, "utf8");

await using daemon = await TestDaemon.start("slipwayd", { root: `${DATA}/root` });
await checkWhatIsLeft();
await pullAndRun();
await removeAll();
console.log("power-cut: all is whole");
if (process.argv[2] !== "last") {
  console.log("power-cut: load begins");
  for (let count = 0; ; count++) await load(count);
}

async function ctr(...args: readonly string[]): Promise<Result> {
  return await daemon.ctr(args, { timeoutMs });
}

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctr(...args);
  assert.equal(code, 0, `ctr ${args.join(" ")}: ${stderr}\n${daemon.log}`);
  return stdout;
}

async function lines(...args: readonly string[]): Promise<string[]> {
  return (await succeed(...args)).split("\n").filter(Boolean);
}

async function checkWhatIsLeft(): Promise<void> {
  const images = await lines("images", "ls", "-q");
  const containers = await lines("containers", "ls", "-q");
  const found = `${images.length} images, ${containers.length} containers, ${blobs().length} blobs`;
  console.log(
    `power-cut: found ${found}, ${folders("io.containerd.snapshotter.v1.overlayfs/snapshots")} snapshots`,
  );
  assert.deepEqual(await lines("tasks", "ls", "-q"), []);
  for (const hex of blobs()) {
    const bytes = readFileSync(`${DATA}/root/io.containerd.content.v1.content/blobs/sha256/${hex}`);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), hex, "a torn blob");
  }
  for (const name of images) {
    const status = await succeed("images", "check", `name==${name}`);
    assert.match(status, /complete \(\d+\/\d+\)/);
    await verify(name);
    // ctr gives an image its name first, and unpacks it then.
    if (/true\s*$/.test(status)) await runFrom(name);
  }
}

async function pullAndRun(): Promise<void> {
  await succeed("images", "pull", "--plain-http", image);
  await runFrom(image);
}

async function verify(name: string): Promise<void> {
  const { code, stdout, stderr } = await daemon.slipway(["image", "verify", name], { timeoutMs });
  assert.equal(code, 0, `${stdout}${stderr}`);
}

/** Reads every file of the image in a container: their digest tells what was torn. */
async function runFrom(name: string): Promise<void> {
  const script = "cat /files-*/* | busybox sha256sum | head -c 64";
  assert.equal(await succeed("run", "--rm", name, "reader", "sh", "-c", script), expected);
}

/** What nothing refers to goes, and then nothing is left: no half-made thing hides. */
async function removeAll(): Promise<void> {
  for (const id of await lines("containers", "ls", "-q")) await succeed("containers", "rm", id);
  for (const lease of await lines("leases", "ls", "-q")) await succeed("leases", "rm", lease);
  for (const name of await lines("images", "ls", "-q")) await succeed("images", "rm", "--sync", name);
  await ctr("images", "rm", "--sync", "none");
  assert.deepEqual(blobs(), []);
  assert.equal(folders("io.containerd.snapshotter.v1.overlayfs/snapshots"), 0);
  assert.deepEqual(await lines("content", "ls", "-q"), []);
  assert.equal(folders("io.containerd.runtime.v2.task/default"), 0);
}

/** A pull by the client or by the daemon, and containers of it, one of which goes on. */
async function load(count: number): Promise<void> {
  if (count % 2 === 0) await ctr("images", "pull", "--plain-http", image);
  else await daemon.slipway(["pull", image], { timeoutMs });
  await Promise.all(
    ["a", "b"].map(async (id) => await ctr("run", "-d", image, `${id}${count}`, "sleep", "1000")),
  );
  await ctr("tasks", "rm", "-f", `a${count}`);
  await ctr("containers", "rm", `a${count}`);
  if (count % 3 === 2) await ctr("images", "rm", "--sync", image);
}

function blobs(): string[] {
  return entries("io.containerd.content.v1.content/blobs/sha256");
}

function folders(path: string): number {
  return entries(path).length;
}

function entries(path: string): string[] {
  const whole = `${DATA}/root/${path}`;
  return existsSync(whole) ? readdirSync(whole) : [];
}
