// `ctr run --rm` of a no-op with slipwayd beside Debian's containerd, and a later one where there is one, with the same
// runc and the same ctr: one after the other, then four clients at once.
import { TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { makeRootfs } from "../test/support/images.ts";
import { output } from "../test/support/run.ts";
import { contenders } from "./support/contenders.ts";
import { median } from "./support/figures.ts";

const RUNS = Number(process.argv[2] ?? 30);
const [CLIENTS, EACH] = [4, 10];

using folder = new TestFolder("bench-run");
const rootfs = makeRootfs(folder.join("rootfs"));
await using started = new AsyncDisposableStack();
const daemons: { readonly name: string; readonly daemon: TestDaemon }[] = [];
for (const { name, program, options } of await contenders()) {
  // As installed: the state in memory, the rest on disk.
  const placed = { ...options, parent: "/run", root: folder.join(name) };
  daemons.push({ name, daemon: started.use(await TestDaemon.start(program, placed)) });
}

let count = 0;
async function life(daemon: TestDaemon): Promise<number> {
  const id = `bench-${(count += 1)}`;
  const begun = performance.now();
  await output("ctr", ["-a", daemon.address, "run", "--rm", "--rootfs", rootfs, id, "/bin/true"]);
  return performance.now() - begun;
}

const walls = new Map(daemons.map(({ name }) => [name, [] as number[]]));
for (const { daemon } of daemons) for (let run = 0; run < 5; run += 1) await life(daemon);
// In turns: what else the machine does meets all.
for (let run = 0; run < RUNS; run += 1)
  for (const { name, daemon } of daemons) walls.get(name)?.push(await life(daemon));
compare("run --rm", walls, (own, other) => `${(own / other).toFixed(2)} of it`, "ms");

const rates = new Map(daemons.map(({ name }) => [name, [] as number[]]));
for (let round = 0; round < 3; round += 1)
  for (const { name, daemon } of daemons) rates.get(name)?.push(await rate(daemon));
compare(`${CLIENTS} clients`, rates, (own, other) => `${(own / other).toFixed(2)} times`, "lives a second");

function compare(
  what: string,
  figures: ReadonlyMap<string, readonly number[]>,
  ratio: (own: number, other: number) => string,
  unit: string,
): void {
  const [own = NaN, ...others] = figures.values().map(median);
  const [, ...names] = figures.keys();
  for (const [index, other] of others.entries()) {
    console.log(
      `${what}: ${own.toFixed(1)} ${unit}, ${names[index]} ${other.toFixed(1)}: ${ratio(own, other)}`,
    );
  }
}

/** A shell for each client: what starts ctr shall not count. */
async function rate(daemon: TestDaemon): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const id = `bench-${(count += 1)}`;
      const command = `ctr -a ${daemon.address} run --rm --rootfs ${rootfs} ${id}-$run /bin/true`;
      const runs = Array.from({ length: EACH }, (_, run) => run).join(" ");
      await output("sh", ["-ec", `for run in ${runs}; do ${command}; done`]);
    }),
  );
  return (CLIENTS * EACH * 1000) / (performance.now() - begun);
}
