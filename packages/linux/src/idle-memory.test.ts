import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { it } from "node:test";

const program = `
import { releaseMemoryWhenIdle } from "${new URL("idle-memory.ts", import.meta.url).href}";
import { setTimeout } from "node:timers/promises";
let garbage = Array.from({ length: 500_000 }, (_, index) => ({ index, text: "x" + index }));
garbage = undefined;
const before = process.memoryUsage.rss();
releaseMemoryWhenIdle(100);
while (process.memoryUsage.rss() > before - 10_000_000) await setTimeout(20);
process.stdout.write("released");
`;

it("releaseMemoryWhenIdle gives garbage back to the kernel, though nothing is allocated", () => {
  const args = ["--input-type=module", "-e", program];
  const released = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 30_000 });
  assert.equal(released, "released");
});
