import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { cgroupOf } from "./cgroup.ts";
import { expectMoves } from "./moves.ts";

it("expectMoves leaves this process in the cgroup that it is in", async () => {
  const own = cgroupOf(process.pid);
  const parent = own.version === 2 ? own.path : ([...own.paths.values()][0] ?? "");
  const membership = (): string => readFileSync("/proc/self/cgroup", "utf8");
  const before = membership();
  await expectMoves();
  assert.equal(membership(), before);

  const child = join(parent, `moves-${process.pid}`);
  mkdirSync(child);
  try {
    writeFileSync(join(child, "cgroup.procs"), "0");
    const inside = membership();
    assert.notEqual(inside, before);
    await Promise.all([expectMoves(), expectMoves()]);
    assert.equal(membership(), inside);
  } finally {
    writeFileSync(join(parent, "cgroup.procs"), "0");
    rmdirSync(child);
  }
});
