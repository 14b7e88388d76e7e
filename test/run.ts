/*
 * Runs test files with a temporary folder of their own, and fails when they leave a mount, a process, a cgroup or a
 * network namespace behind. Usage: node test/run.ts PATTERN...
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { belongings, leaks } from "./support/leaks.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-tests-"));
const before = belongings(folder);
const child = spawn(process.execPath, ["--test", "--test-timeout=60000", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TMPDIR: folder },
});
const [code] = (await once(child, "exit")) as [number | null];

// What was just killed may take a moment to go, and the kernel tells nobody when a cgroup is free.
for (let attempt = 0; attempt < 50 && leaks(before, belongings(folder)).length > 0; attempt++)
  await setTimeout(100);
const left = leaks(before, belongings(folder));
if (left.length > 0) console.error(`The tests left behind:\n${left.join("\n")}`);
else rmSync(folder, { recursive: true });
process.exitCode = left.length > 0 ? 1 : (code ?? 1);
