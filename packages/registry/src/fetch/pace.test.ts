import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pace } from "./pace.ts";

const mebibyte = 1024 * 1024;

/** Lets time pass on a network that gives each connection a rate, and all of them no more than another. */
class Network {
  readonly pace = new Pace(6);
  readonly size: number;
  #nowMs = 0;
  #arrived = 0;
  #busyMs = 0;

  constructor(size = Infinity) {
    this.size = size;
  }

  run(ms: number, each: number, all: number, busyShare = 0): number {
    for (const end = this.#nowMs + ms; this.#nowMs < end; this.#nowMs += 50) {
      this.#arrived += (Math.min(each * this.pace.connections, all) * 50) / 1000;
      this.#busyMs += 50 * busyShare;
      const [nowMs, arrived, busyMs] = [this.#nowMs, this.#arrived, this.#busyMs];
      const left = this.size - arrived;
      this.pace.observe({ nowMs, arrived, left, busyMs, idleMs: nowMs - busyMs });
    }
    return this.pace.connections;
  }
}

describe("Pace", () => {
  it("adds connections as long as each brings more, and chunks of a second's worth", () => {
    const network = new Network();
    assert.equal(network.run(20_000, 4 * mebibyte, Infinity), 6);
    assert.ok(Math.abs(network.pace.chunkBytes - 4 * mebibyte) < mebibyte / 2);
  });

  it("finds how many a network has room for, and tries again after a while", () => {
    const network = new Network();
    assert.equal(network.run(8000, 4 * mebibyte, 9 * mebibyte), 2);
    assert.equal(network.run(30_000, 4 * mebibyte, Infinity), 6);
  });

  it("stays with one that is fast, or faster than its reader", () => {
    assert.equal(new Network().run(5000, 200 * mebibyte, Infinity), 1);
    assert.equal(new Network().run(5000, 4 * mebibyte, Infinity, 0.8), 1);
  });

  it("does not add one for what is over soon", () => {
    assert.equal(new Network(6 * mebibyte).run(1500, 4 * mebibyte, Infinity), 1);
    assert.equal(new Network(12 * mebibyte).run(500, 4 * mebibyte, Infinity), 2);
  });

  it("does not try again after it gave up", () => {
    const network = new Network();
    network.run(2000, 4 * mebibyte, Infinity);
    network.pace.giveUp();
    assert.equal(network.run(30_000, 4 * mebibyte, Infinity), 1);
  });
});
