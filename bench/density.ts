// What slipwayd and its shims hold in memory beside Debian's containerd and its shims, at a number of containers that
// sleep. Memory is proportional (PSS), in MB; the containers' own is not counted.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Program, TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { makeRootfs } from "../test/support/images.ts";
import { output } from "../test/support/run.ts";
import { pssOf } from "./support/figures.ts";

const steps = [1, 10, 50, 100];
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
async function warmUp(program: Program): Promise<void> {
  await using daemon = await TestDaemon.start(program);
  const command = ["run", "--rm", "--rootfs", rootfs, "first", "/bin/true"];
  await output("ctr", ["-a", daemon.address, "-n", namespace, ...command]);
  await daemon.stop();
}

async function measure(program: Program): Promise<Map<number, number>> {
  await warmUp(program);
  await using daemon = await TestDaemon.start(program);
  const totals = new Map<number, number>();
  let count = 0;
  for (const step of steps) {
    for (; count < step; count += 1) {
      const command = ["run", "-d", "--rootfs", rootfs, `sleeper-${count}`, "/bin/sleep", "10000"];
      await output("ctr", ["-a", daemon.address, "-n", namespace, ...command]);
    }
    await setTimeout(AT_REST_MS);
    const { daemon: own, shims } = held(daemon);
    totals.set(step, own + shims);
    console.log(`${program}, ${step}: ${own.toFixed(0)} daemon + ${shims.toFixed(0)} shims MB`);
  }
  for (let index = 0; index < count; index += 1) {
    await output("ctr", ["-a", daemon.address, "-n", namespace, "tasks", "rm", "-f", `sleeper-${index}`]);
  }
  return totals;
}

const ours = await measure("slipwayd");
const theirs = await measure("containerd");
for (const step of steps) {
  console.log(
    `${step} containers: ${((ours.get(step) ?? 0) / (theirs.get(step) ?? 1)).toFixed(2)} of containerd`,
  );
}
