// `ctr run --rm` of a no-op with slipwayd beside Debian's containerd, with the same runc: one after the other, then
// four clients at once.
import { makeRootfs } from "../test/support/images.ts";
import { type Program, TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { output } from "../test/support/run.ts";
import { median } from "./support/figures.ts";

const RUNS = Number(process.argv[2] ?? 30);
const [CLIENTS, EACH] = [4, 10];

using folder = new TestFolder("bench-run");
const rootfs = makeRootfs(folder.join("rootfs"));
// As installed: the state in memory, the rest on disk.
const placed = (program: Program) => ({ parent: "/run", root: folder.join(program) });
await using ours = await TestDaemon.start("slipwayd", placed("slipwayd"));
await using theirs = await TestDaemon.start("containerd", placed("containerd"));
const daemons: Readonly<Record<Program, TestDaemon>> = { slipwayd: ours, containerd: theirs };
const programs = ["slipwayd", "containerd"] as const;

let count = 0;
async function life(program: Program): Promise<number> {
  const id = `bench-${(count += 1)}`;
  const begun = performance.now();
  await output("ctr", ["-a", daemons[program].address, "run", "--rm", "--rootfs", rootfs, id, "/bin/true"]);
  return performance.now() - begun;
}

const walls: Record<Program, number[]> = { slipwayd: [], containerd: [] };
for (const program of programs) for (let run = 0; run < 3; run += 1) await life(program);
// In turns: what else the machine does meets both.
for (let run = 0; run < RUNS; run += 1)
  for (const program of programs) walls[program].push(await life(program));
const [own, other] = [median(walls.slipwayd), median(walls.containerd)];
console.log(
  `run --rm: ${own.toFixed(1)} ms, containerd ${other.toFixed(1)} ms: ${(own / other).toFixed(2)} of it`,
);

const rates: Record<Program, number[]> = { slipwayd: [], containerd: [] };
for (let round = 0; round < 3; round += 1)
  for (const program of programs) rates[program].push(await rate(program));
const [ownRate, otherRate] = [median(rates.slipwayd), median(rates.containerd)];
console.log(
  `${CLIENTS} clients: ${ownRate.toFixed(1)} lives a second, containerd ${otherRate.toFixed(1)}: ${(ownRate / otherRate).toFixed(2)} times`,
);

/** A shell for each client: what starts ctr shall not count. */
async function rate(program: Program): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const id = `bench-${(count += 1)}`;
      const command = `ctr -a ${daemons[program].address} run --rm --rootfs ${rootfs} ${id}-$run /bin/true`;
      const runs = Array.from({ length: EACH }, (_, run) => run).join(" ");
      await output("sh", ["-ec", `for run in ${runs}; do ${command}; done`]);
    }),
  );
  return (CLIENTS * EACH * 1000) / (performance.now() - begun);
}
