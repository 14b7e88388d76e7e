// `ctr images pull`, driven by the client (`--local`) and through the Transfer service, of images of this machine's files,
// beside containerd (a later Debian's where scripts/test.sh has fetched it), each time on a newly made ext4; and beside the
// floor, which is what must be done to the blobs: hash, inflate and hash them, on all processors.
// Usage: node bench/pull.ts [--runs N] [--images small,big] [--compressions gzip,zstd] [--routes client,transfer]
//   [--daemons containerd,containerd-erofs,slipwayd,slipwayd-directories] [--keep FOLDER, with the images for the next time]
//   [--removals N: pulls once more after N other images were removed]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { TestDaemon } from "../test/support/daemon.ts";
import { TestRegistry } from "../test/support/registry.ts";
import { output } from "../test/support/run.ts";
import { pssOf } from "./support/figures.ts";
import { Floor, type FloorCost } from "./support/floor.ts";
import { FreshDisk } from "./support/fresh-disk.ts";
import { type ContenderName, contenders, ctr } from "./support/pulling-daemons.ts";
import { cpuByThread, cpuWithChildrenOf, peakPssDuring } from "./support/process-cost.ts";
import { type LayerCompression, pushSampleImage } from "./support/sample-image.ts";

const shapes = {
  small: { files: 25_000, bytes: 204e6, layers: 6 },
  big: { files: 51_000, bytes: 860e6, layers: 11 },
};
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    images: { type: "string", default: "small,big" },
    compressions: { type: "string", default: "gzip,zstd" },
    routes: { type: "string", default: "client,transfer" },
    daemons: { type: "string", default: Object.keys(contenders).join(",") },
    keep: { type: "string" },
    removals: { type: "string", default: "0" },
  },
});
const listed = <T extends string>(text: string): T[] => text.split(",") as T[];
const sizes = listed<keyof typeof shapes>(values.images);
const compressions = listed<LayerCompression>(values.compressions);
const names = listed<ContenderName>(values.daemons);
const removals = Number(values.removals);

type Cost = {
  /** Seconds, as all but the memory. */
  readonly wall: number;
  /** Of the daemon with its children. */
  readonly cpu: number;
  readonly clientCpu: number;
  readonly removal: number;
};

if (values.keep) mkdirSync(values.keep, { recursive: true });
await using registry = await TestRegistry.start(values.keep ? { data: values.keep } : {});
for (const size of sizes) {
  const isKept = existsSync(
    join(values.keep ?? "", `docker/registry/v2/repositories/${size}-zstd/_manifests/tags`),
  );
  if (!isKept) await pushSampleImage(registry.host, size, shapes[size], ["gzip", "zstd"]);
}
const others: string[] = [];
for (let index = 0; index < removals; index += 1) {
  const name = `other-${index}`;
  await pushSampleImage(registry.host, name, { files: 2_000, bytes: 16e6, layers: 3 }, ["gzip"], index);
  others.push(`${registry.host}/${name}-gzip:latest`);
}
for (const size of sizes) {
  for (const compression of compressions) {
    for (const route of listed<"client" | "transfer">(values.routes)) await compare(size, compression, route);
  }
}

async function compare(
  size: string,
  compression: LayerCompression,
  route: "client" | "transfer",
): Promise<void> {
  const image = `${registry.host}/${size}-${compression}:latest`;
  const costs = new Map<ContenderName, Cost[]>();
  await using floor = await Floor.of(registry.host, `${size}-${compression}`, compression);
  const floors: FloorCost[] = [];
  // In turns: what else the machine does meets all.
  for (let run = 0; run < Number(values.runs); run += 1) {
    floors.push(await floor.measure());
    for (const name of names) {
      // Its differ is the Transfer service's to choose.
      if (name === "containerd-erofs" && route === "client") continue;
      const cost = await pull(name, image, route, run === 0);
      costs.set(name, [...(costs.get(name) ?? []), cost]);
      console.log(`${size} ${compression} ${route} ${name}: ${shown(cost)}`);
    }
  }
  const floorCost = { wall: least(floors, "wall"), cpu: least(floors, "cpu") };
  console.log(`${size} ${compression} floor: ${shown(floorCost)}`);
  for (const [name, ours] of costs) {
    const what = `= ${size} ${compression} ${route}: ${name} of`;
    console.log(`${what} the floor's: ${ratios(ours, floorCost, "wall", "cpu")}`);
    if (!name.startsWith("slipwayd")) continue;
    for (const base of ["containerd", "containerd-erofs"] as const) {
      const theirs = costs.get(base);
      if (!theirs) continue;
      const whole = ratios(ours, leastOfAll(theirs), "wall", "cpu", "clientCpu", "removal");
      console.log(`${what} ${base}'s, least of ${ours.length}: ${whole}`);
    }
  }
  if (removals > 0) for (const name of names) await compareWithRemovals(name, image, route);
}

function leastOfAll(costs: readonly Cost[]): Cost {
  return {
    wall: least(costs, "wall"),
    cpu: least(costs, "cpu"),
    clientCpu: least(costs, "clientCpu"),
    removal: least(costs, "removal"),
  };
}

function ratios<Part extends string>(
  ours: readonly Readonly<Record<Part, number>>[],
  theirs: Readonly<Record<Part, number>>,
  ...parts: readonly Part[]
): string {
  return parts.map((of) => `${of} ${(least(ours, of) / theirs[of]).toFixed(2)}`).join(", ");
}

/** The image as the first thing that a daemon pulls, and again right after many others were removed. */
async function compareWithRemovals(name: ContenderName, image: string, route: string): Promise<void> {
  const { program, options, snapshotter } = contenders[name];
  const walls: { first: number; again: number }[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    using disk = await FreshDisk.make();
    await using daemon = await TestDaemon.start(program, { ...options, root: join(disk.folder, "root") });
    const pulled = (what: string): number =>
      timed(ctr, pulling(daemon.address, snapshotter, route, what)).wall;
    const remove = (...what: string[]): unknown =>
      timed(ctr, ["-a", daemon.address, "images", "rm", "--sync", ...what]);
    const first = pulled(image);
    remove(image);
    for (const other of others) {
      pulled(other);
      // The registry stops where nobody takes what it logs.
      await turn();
    }
    remove(...others);
    walls.push({ first, again: pulled(image) });
  }
  const [first, again] = [least(walls, "first"), least(walls, "again")];
  const shownWalls = `first ${first.toFixed(2)}, after ${removals} removals ${again.toFixed(2)}`;
  console.log(`= ${image} ${route} ${name}: ${shownWalls}, ratio ${(again / first).toFixed(2)}`);
}

function least<Part extends string>(costs: readonly Readonly<Record<Part, number>>[], of: Part): number {
  return Math.min(...costs.map((cost) => cost[of]));
}

function shown(cost: Readonly<Record<string, number>>): string {
  return Object.entries(cost)
    .map(([what, seconds]) => `${what} ${seconds.toFixed(2)}`)
    .join(", ");
}

async function pull(name: ContenderName, image: string, route: string, watch: boolean): Promise<Cost> {
  const { program, options, snapshotter } = contenders[name];
  using disk = await FreshDisk.make();
  await using daemon = await TestDaemon.start(program, { ...options, root: join(disk.folder, "root") });
  await output("sync", []);
  const [cpu, threads] = [cpuWithChildrenOf(daemon.pid), cpuByThread(daemon.pid)];
  const { wall, cpu: clientCpu } = timed(ctr, pulling(daemon.address, snapshotter, route, image));
  const cost = { wall, cpu: cpuWithChildrenOf(daemon.pid) - cpu, clientCpu };
  const busy = [...cpuByThread(daemon.pid)]
    .map(([thread, seconds]) => [thread, seconds - (threads.get(thread) ?? 0)] as const)
    .filter(([, seconds]) => seconds >= 0.05);
  if (program === "slipwayd")
    console.log(`  ${busy.map(([thread, seconds]) => `${thread} ${seconds.toFixed(2)}`).join(", ")}`);
  const removal = timed(ctr, ["-a", daemon.address, "images", "rm", "--sync", image]).wall;
  if (watch) {
    using fresh = await FreshDisk.make();
    await using idle = await TestDaemon.start(program, { ...options, root: join(fresh.folder, "root") });
    const before = pssOf(idle.pid);
    const again = pulling(idle.address, snapshotter, route, image);
    const peak = await peakPssDuring(idle.pid, () => output(ctr, again, { timeoutMs: 120_000 }));
    console.log(`  ${name}: peak memory ${(peak - before).toFixed(0)} MB above ${before.toFixed(0)} MB`);
  }
  return { ...cost, removal };
}

/** What `ctr` is told. */
function pulling(address: string, snapshotter: string, route: string, image: string): string[] {
  const args = ["-a", address, "images", "pull", "--plain-http", "--snapshotter", snapshotter];
  return [...args, ...(route === "client" ? ["--local"] : []), image];
}

/** Seconds that a program takes and computes. */
function timed(program: string, args: readonly string[]): { readonly wall: number; readonly cpu: number } {
  // The shell's own figures come last.
  const script = `TIMEFORMAT='%R %U %S'; time "$0" "$@" >/dev/null`;
  const { status, stderr } = spawnSync("bash", ["-c", script, program, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  const [wall = 0, user = 0, system = 0] = (stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { wall, cpu: user + system };
}
