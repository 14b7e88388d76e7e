import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Chunk } from "./chunk.ts";
import { MemoryBudget } from "./memory-budget.ts";

describe("Chunk", () => {
  it("gives what has come, waits for the rest, and leaves out what does not belong to it", async () => {
    const chunk = new Chunk(100, 110);
    assert.equal(chunk.push(Buffer.from("0123")), true);
    const reader = chunk[Symbol.asyncIterator]();
    assert.equal(String((await reader.next()).value), "0123");
    const waiting = reader.next();
    await turn();
    assert.equal(chunk.push(Buffer.from("456789abc")), false);
    assert.equal(chunk.waiting, 6);
    assert.equal(String((await waiting).value), "456789");
    assert.deepEqual([chunk.missing, chunk.waiting, (await reader.next()).done], [0, 0, true]);
  });

  it("ends where its connection broke, and is empty when that brought nothing", async () => {
    const broken = new Chunk(0, 10);
    broken.push(Buffer.from("01"));
    broken.finish();
    assert.equal(Buffer.concat(await Array.fromAsync(broken)).toString(), "01");
    assert.deepEqual([broken.missing, broken.isEmpty], [8, false]);
    const nothing = new Chunk(0, 10);
    assert.equal(nothing.isEmpty, false);
    nothing.finish();
    assert.equal(nothing.isEmpty, true);
  });
});

describe("MemoryBudget", () => {
  it("gives no more than there is, and nobody waits", () => {
    const budget = new MemoryBudget(10);
    assert.deepEqual([budget.tryTake(8), budget.tryTake(3), budget.tryTake(2)], [true, false, true]);
    budget.giveBack(8);
    assert.deepEqual([budget.tryTake(9), budget.tryTake(8)], [false, true]);
  });
});
