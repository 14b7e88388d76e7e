import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { it } from "node:test";
import { ownTurn } from "./own-turn.ts";

it("ownTurn lets many long works go on, one piece in each turn of the event loop", async () => {
  const order: string[] = [];
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const work = async (name: string): Promise<void> => {
    for (let piece = 0; piece < 3; piece++) {
      await ownTurn();
      order.push(`${name} ${turn}`);
    }
  };
  await Promise.all([work("a"), work("b"), work("c")]);
  isOver = true;
  assert.deepEqual(
    order.map((each) => each[0]),
    ["a", "b", "c", "a", "b", "c", "a", "b", "c"],
  );
  assert.equal(new Set(order.map((each) => each.slice(2))).size, order.length);
});

it("ownTurn keeps the loop's delay at one piece, with ten works at once", async () => {
  const pieceMs = 5;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const work = async (): Promise<void> => {
    for (let piece = 0; piece < 10; piece++) {
      const begun = performance.now();
      while (performance.now() - begun < pieceMs);
      await ownTurn();
    }
  };
  await ownTurn();
  delay.reset();
  const works = Array.from({ length: 10 }, async () => {
    await ownTurn();
    await work();
  });
  await Promise.all(works);
  delay.disable();
  // In nanoseconds; all ten at once would be 50 ms.
  assert.ok(delay.percentile(90) < 25e6, `${delay.percentile(90)} ns`);
});
