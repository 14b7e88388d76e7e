// Runs test files in the guest, one after the other, with limits for a machine that is ten times slower.
import { spawn } from "node:child_process";
import { once } from "node:events";

const flags = ["--test-timeout=600000", "--test-concurrency=1", "--test-reporter=spec"];
const child = spawn(process.execPath, ["test/run.ts", ...flags, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TEST_PATIENCE: "10" },
});
const [code] = (await once(child, "exit")) as [number | null];
process.exitCode = code ?? 1;
