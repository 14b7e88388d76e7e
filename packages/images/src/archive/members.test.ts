import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tarEvents } from "./members.ts";

describe("tarEvents", () => {
  const zeros = Buffer.alloc(64 * 1024);

  it("ends at the end mark of a source that never ends", async () => {
    let isReturned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(zeros);
      } finally {
        isReturned = true;
      }
    }
    assert.deepEqual(await Array.fromAsync(tarEvents(endless())), []);
    assert.ok(isReturned);
  });

  it("reads the padding behind the end mark, for whoever writes it into a pipe", async () => {
    let chunks = 0;
    async function* padded(): AsyncGenerator<Uint8Array> {
      for (; chunks < 10; chunks += 1) yield await Promise.resolve(zeros);
    }
    assert.deepEqual(await Array.fromAsync(tarEvents(padded())), []);
    assert.equal(chunks, 10);
  });
});
