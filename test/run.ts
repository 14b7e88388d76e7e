/*
 * Runs test files with a temporary folder of their own, and fails when they leave a mount, a process, a cgroup or a
 * network namespace behind. Usage: node test/run.ts PATTERN...
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { endAllIn } from "./support/end-all.ts";
import { TestFolder } from "./support/folder.ts";
import { belongings, leaks } from "./support/leaks.ts";

using folder = new TestFolder("tests");
const before = belongings(folder.path);
const child = spawn(process.execPath, ["--test", "--test-timeout=60000", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TMPDIR: folder.path },
});
// Whoever ends this run ends the tests, and what they could not clean up any more is cleaned up below.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
const [code] = (await once(child, "exit")) as [number | null];

// What was just killed may take a moment to go, and the kernel tells nobody when a cgroup is free.
const left = (): string[] => leaks(before, belongings(folder.path));
for (let attempt = 0; attempt < 50 && left().length > 0; attempt++) await setTimeout(100);
const remaining = left();
if (remaining.length > 0) {
  console.error(`The tests left behind:\n${remaining.join("\n")}`);
  await endAllIn(folder.path);
}
process.exitCode = remaining.length > 0 ? 1 : (code ?? 1);
