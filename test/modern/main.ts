/*
 * Boots a modern host (cgroups of version 2 alone, systemd, AppArmor, crun, CRIU) in QEMU's software emulation, and runs
 * there what depends on the host. Usage: node test/modern/main.ts [tests [FILE...] | power-cuts [COUNT [SEED]]]
 */
import { join } from "node:path";
import { TestFolder } from "../support/folder.ts";
import { makeCheckoutDisk } from "./checkout.ts";
import { Machine } from "./machine.ts";
import { cutPower } from "./power-cuts.ts";

const tools = join(import.meta.dirname, "../../.tools");
/** Each file has its reason to be here: cgroups, systemd, AppArmor, pidfds, CRIU, another runc and containerd. */
const files = [
  "test/tasks/ours.test.ts",
  "test/tasks/systemd.test.ts",
  "test/tasks/apparmor.test.ts",
  "test/tasks/go-shim.test.ts",
  "test/tasks/under-containerd.test.ts",
  "test/e2e/adoption.test.ts",
  "test/e2e/criu.test.ts",
  "test/e2e/doctor.test.ts",
];

const [what = "all", ...rest] = process.argv.slice(2);
using scratch = new TestFolder("modern");
const checkout = scratch.join("checkout.img");
await makeCheckoutDisk(checkout);

if (what === "all" || what === "tests") {
  const args = rest.length > 0 ? rest : files;
  await using machine = new Machine({ tools, checkout, job: "tests", args, isWhole: true });
  process.exitCode = await machine.job();
}
if (what === "all" || what === "power-cuts") {
  const [count, seed] = [Number(rest[0] ?? 10), Number(rest[1] ?? Date.now() % 1_000_000)];
  console.log(`seed ${seed}`);
  await cutPower({ tools, checkout, data: scratch.join("data.img"), count, seed });
}
