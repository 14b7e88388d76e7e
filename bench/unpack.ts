// Unpacking a layer of 25,000 files beside Debian's containerd, each time on a newly made ext4. Usage: node bench/unpack.ts [RUNS]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { output } from "../test/support/run.ts";
import { cpuOf } from "./support/figures.ts";
import { FreshDisk } from "./support/fresh-disk.ts";
import { sampleLayer } from "./support/sample-layer.ts";

const runs = Number(process.argv[2] ?? 3);
const files = 25_000;
using folder = new TestFolder("bench-unpack");
const layout = await makeImage();
const archive = folder.join("image.tar");
await output("tar", ["-C", layout, "-cf", archive, "."]);

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}
const costs: Record<Program, Cost[]> = { containerd: [], slipwayd: [] };
for (let run = 0; run < runs; run += 1) {
  for (const program of ["containerd", "slipwayd"] as const) {
    const cost = await unpack(program);
    costs[program].push(cost);
    console.log(`${program}: ${cost.wall.toFixed(2)} s, ${cost.cpu.toFixed(2)} s of CPU`);
  }
}
const ratio = (of: keyof Cost): string => {
  const least = (program: Program): number => Math.min(...costs[program].map((cost) => cost[of]));
  return (least("slipwayd") / least("containerd")).toFixed(2);
};
console.log(
  `${files} files, least of ${runs}: ${ratio("wall")} of containerd's time, ${ratio("cpu")} of its CPU`,
);

/** Seconds from the blob in the content store to the committed snapshot. */
async function unpack(program: Program): Promise<Cost> {
  using disk = await FreshDisk.make();
  await using daemon = await TestDaemon.start(program, { root: join(disk.folder, "root") });
  await output("ctr", [
    "-a",
    daemon.address,
    "images",
    "import",
    "--no-unpack",
    "--base-name",
    "bench",
    archive,
  ]);
  const images = await output("ctr", ["-a", daemon.address, "images", "ls"]);
  const cpu = cpuOf(daemon.pid);
  const start = performance.now();
  await output("ctr", ["-a", daemon.address, "snapshots", "unpack", /sha256:\w+/.exec(images)?.[0] ?? ""]);
  return { wall: (performance.now() - start) / 1000, cpu: cpuOf(daemon.pid) - cpu };
}

/** An image of one layer. */
async function makeImage(): Promise<string> {
  const tar = folder.join("layer.tar");
  writeFileSync(tar, sampleLayer(files));
  const layout = folder.join("layout");
  await output("umoci", ["init", "--layout", layout]);
  await output("umoci", ["new", "--image", `${layout}:bench`]);
  await output("umoci", ["raw", "add-layer", "--image", `${layout}:bench`, tar]);
  return layout;
}
