// `ctr images pull` of a gzip image of 25,000 of this machine's files (200 MB) with layers as images and as directories,
// beside Debian's containerd, each time on a newly made ext4; then reading all of it. Usage: node bench/pull.ts [RUNS] [MODE...]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { TestRegistry } from "../test/support/registry.ts";
import { output } from "../test/support/run.ts";
import { cpuOf } from "./support/figures.ts";
import { FreshDisk } from "./support/fresh-disk.ts";

const modes = ["containerd", "erofs", "directory"] as const;
type Mode = (typeof modes)[number];
const runs = Number(process.argv[2] ?? 3);
const chosen = modes.filter((mode) => process.argv.length <= 3 || process.argv.includes(mode));
const [files, layers, totalBytes] = [25_000, 6, 204 * 1e6];

interface Cost {
  /** Seconds, as all of these. */
  readonly pull: number;
  /** Of the daemon. */
  readonly cpu: number;
  readonly findCold: number;
  readonly readCold: number;
  readonly readHot: number;
}

using folder = new TestFolder("bench-pull");
await using registry = await TestRegistry.start();
const image = `${registry.host}/bench:latest`;
await makeImage();
const costs: Record<Mode, Cost[]> = { containerd: [], erofs: [], directory: [] };
// In turns: what else the machine does meets all.
for (let run = 0; run < runs; run += 1) {
  for (const mode of chosen) {
    const cost = await pull(mode);
    costs[mode].push(cost);
    const shown = Object.entries(cost).map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`);
    console.log(`${mode}: ${shown.join(", ")}`);
  }
}
const least = (mode: Mode, of: keyof Cost): number => Math.min(...costs[mode].map((cost) => cost[of]));
for (const mode of chosen.filter((each) => each !== "containerd" && chosen.includes("containerd"))) {
  const ratios = (["pull", "cpu", "findCold", "readCold", "readHot"] as const).map(
    (of) => `${of} ${(least(mode, of) / least("containerd", of)).toFixed(2)}`,
  );
  console.log(`${mode}, least of ${runs}, of containerd's: ${ratios.join(", ")}`);
}

async function pull(mode: Mode): Promise<Cost> {
  using disk = await FreshDisk.make();
  const config = `[plugins."io.containerd.snapshotter.v1.overlayfs"]\nlayer_format = "${mode}"\n`;
  await using daemon = await TestDaemon.start(mode === "containerd" ? "containerd" : "slipwayd", {
    root: join(disk.folder, "root"),
    ...(mode === "containerd" ? {} : { config }),
  });
  await output("sync", []);
  const cpu = cpuOf(daemon.pid);
  const pulled = seconds("ctr", ["-a", daemon.address, "images", "pull", "--plain-http", image]);
  const cost = { pull: pulled, cpu: cpuOf(daemon.pid) - cpu };
  const tree = daemon.folder.join("tree");
  mkdirSync(tree);
  await output("ctr", ["-a", daemon.address, "images", "mount", image, tree]);
  await output("sync", []);
  writeFileSync("/proc/sys/vm/drop_caches", "3");
  const findCold = seconds("find", [tree, "-printf", "%s"]);
  writeFileSync("/proc/sys/vm/drop_caches", "3");
  const readAll = (): number => seconds("tar", ["-C", tree, "-cf", "-", "."]);
  return { ...cost, findCold, readCold: readAll(), readHot: readAll() };
}

function seconds(command: string, args: readonly string[]): number {
  const begun = performance.now();
  // Through a pipe: to /dev/null, tar reads nothing.
  const script = `"$0" "$@" | cat > /dev/null`;
  const { status, stderr } = spawnSync("bash", ["-o", "pipefail", "-c", script, command, ...args]);
  if (status !== 0) throw new Error(`${command}: ${stderr.toString()}`);
  return (performance.now() - begun) / 1000;
}

async function makeImage(): Promise<void> {
  const listed = await output("bash", [
    "-c",
    `find /usr /etc /var/lib/dpkg -xdev -type f -size -200k -printf '%s %p\\n' 2>/dev/null | sort -k2`,
  ]);
  // Every so many-th file, such that there are as many as wanted; then large ones until the size is right.
  const all = listed.split("\n").filter(Boolean);
  const step = Math.max(1, all.length / files);
  const names: string[] = [];
  let bytes = 0;
  for (let index = 0; index < all.length && names.length < files; index += step) {
    const [, size, name = ""] = /^(\d+) (.*)$/.exec(all[Math.floor(index)] ?? "") ?? [];
    names.push(name);
    bytes += Number(size);
  }
  const big = readFileSync(process.execPath);
  const layout = folder.join("layout");
  await output("umoci", ["init", "--layout", layout]);
  await output("umoci", ["new", "--image", `${layout}:bench`]);
  const extra = Math.max(0, Math.floor((totalBytes - bytes) / layers));
  for (let layer = 0; layer < layers; layer += 1) {
    const list = folder.join(`list-${layer}`);
    const share = Math.ceil(names.length / layers);
    writeFileSync(list, names.slice(layer * share, (layer + 1) * share).join("\n"));
    mkdirSync(folder.join(`${layer}/opt`), { recursive: true });
    const start = Math.floor((layer * (big.length - extra)) / layers);
    writeFileSync(folder.join(`${layer}/opt/big-${layer}`), big.subarray(start, start + extra));
    const tar = folder.join(`${layer}.tar`);
    await output("tar", [
      "--no-recursion",
      "-C",
      "/",
      "-cf",
      tar,
      "-T",
      list,
      "-C",
      folder.join(String(layer)),
      `opt/big-${layer}`,
    ]);
    await output("umoci", ["raw", "add-layer", "--image", `${layout}:bench`, tar]);
  }
  const copy = ["copy", "-q", "--insecure-policy", "--dest-tls-verify=false"];
  await output("skopeo", [...copy, `oci:${layout}:bench`, `docker://${image}`]);
  console.log(`${names.length} files, ${((bytes + extra * layers) / 1e6).toFixed(0)} MB, ${layers} layers`);
}
