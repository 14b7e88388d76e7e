// What slipwayd and its shims hold in memory beside Debian's containerd, and a later one where there is one, and their
// shims, at a number of containers that sleep, and how long it takes after a restart until all of 50 are listed. Memory is proportional (PSS), in MB; the
// containers' own is not counted.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { makeRootfs } from "../test/support/images.ts";
import { output } from "../test/support/run.ts";
import { type Contender, contenders } from "./support/contenders.ts";
import { median, pssOf } from "./support/figures.ts";

const steps = [1, 10, 50, 100, 200];
/** With so many it is restarted. */
const RESTARTED = 50;
const RESTARTS = 3;
const namespace = `density-${process.pid}`;
/** What was begun is done, and neither program's garbage collector is about to run. */
const AT_REST_MS = 4000;
using folder = new TestFolder("bench-density");
const rootfs = makeRootfs(folder.join("rootfs"));

/** PSS of the daemon and of the shims that name its folder, in MB. */
function held(daemon: TestDaemon): { daemon: number; shims: number } {
  const shims = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== daemon.pid)
    .filter((pid) => /shim/.test(read(pid, "cmdline")) && read(pid, "cmdline").includes(daemon.folder.path));
  const sum = shims.reduce((total, pid) => total + pssOf(Number(pid)), 0);
  return { daemon: pssOf(daemon.pid), shims: sum };
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Not the first run after an installation: that one still compiles. */
async function warmUp({ program, options }: Contender): Promise<void> {
  await using daemon = await TestDaemon.start(program, options);
  const command = ["run", "--rm", "--rootfs", rootfs, "first", "/bin/true"];
  await output("ctr", ["-a", daemon.address, "-n", namespace, ...command]);
  await daemon.stop();
}

/** From its start to the answer that names all `count` tasks, in milliseconds. */
async function restart(daemon: TestDaemon, count: number): Promise<number> {
  await daemon.stop();
  const begun = performance.now();
  await daemon.start();
  for (;;) {
    const listed = await output("ctr", ["-a", daemon.address, "-n", namespace, "tasks", "ls", "-q"]);
    if (listed.trim().split("\n").length === count) return performance.now() - begun;
  }
}

interface Figures {
  /** In MB, by the number of containers. */
  readonly totals: Map<number, number>;
  readonly restartMs: number;
}

async function measure(contender: Contender): Promise<Figures> {
  await warmUp(contender);
  const { name, program, options } = contender;
  await using daemon = await TestDaemon.start(program, options);
  const totals = new Map<number, number>();
  const restarts: number[] = [];
  let count = 0;
  for (const step of steps) {
    for (; count < step; count += 1) {
      const command = ["run", "-d", "--rootfs", rootfs, `sleeper-${count}`, "/bin/sleep", "10000"];
      await output("ctr", ["-a", daemon.address, "-n", namespace, ...command]);
    }
    await setTimeout(AT_REST_MS);
    const { daemon: own, shims } = held(daemon);
    totals.set(step, own + shims);
    console.log(`${name}, ${step}: ${own.toFixed(0)} daemon + ${shims.toFixed(0)} shims MB`);
    if (step !== RESTARTED) continue;
    for (let run = 0; run < RESTARTS; run += 1) restarts.push(await restart(daemon, step));
  }
  for (let index = 0; index < count; index += 1) {
    await output("ctr", ["-a", daemon.address, "-n", namespace, "tasks", "rm", "-f", `sleeper-${index}`]);
  }
  return { totals, restartMs: median(restarts) };
}

const [first, ...others] = await contenders();
if (!first) throw new Error("There is nothing to measure");
const ours = await measure(first);
for (const other of others) {
  const theirs = await measure(other);
  for (const step of steps) {
    const share = (ours.totals.get(step) ?? 0) / (theirs.totals.get(step) ?? 1);
    console.log(`${step} containers: ${share.toFixed(2)} of ${other.name}`);
  }
  const [own, their] = [ours.restartMs, theirs.restartMs];
  const ratio = (own / their).toFixed(2);
  console.log(
    `restart with ${RESTARTED}: ${own.toFixed(0)} ms, ${other.name} ${their.toFixed(0)} ms: ${ratio} of it`,
  );
}
