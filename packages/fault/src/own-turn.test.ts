import assert from "node:assert/strict";
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
