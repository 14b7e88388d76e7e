import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import { SharedThreads } from "./shared-threads.ts";

/** Threads as SharedThreads sees them. */
class Pool {
  readonly given: Worker[] = [];
  readonly back: Worker[] = [];
  readonly dead = new Set<Worker>();
  readonly threads: SharedThreads;

  constructor(maxThreads: number, maxJobs: number, spare = Number.POSITIVE_INFINITY) {
    this.threads = new SharedThreads({
      maxThreads,
      maxJobs,
      isAlive: (worker) => !this.dead.has(worker),
      take: () => {
        if (this.given.length - this.back.length >= spare) return undefined;
        const worker = { number: this.given.length } as unknown as Worker;
        this.given.push(worker);
        return worker;
      },
      giveBack: (worker) => void this.back.push(worker),
    });
  }
}

describe("SharedThreads", () => {
  it("gives each job a thread while there are some, then shares those with the fewest jobs", () => {
    const { threads, given } = new Pool(2, 2);
    const [first, second, third, fourth] = [1, 2, 3, 4].map(() => threads.join());
    assert.equal(given.length, 2);
    assert.notEqual(first, second);
    assert.deepEqual(new Set([third, fourth]), new Set([first, second]));
    assert.equal(threads.join(), undefined);
  });

  it("gives a thread back with its last job", () => {
    const { threads, back } = new Pool(1, 2);
    const [worker, same] = [threads.join(), threads.join()];
    assert.ok(worker && same === worker);
    threads.leave(worker);
    assert.deepEqual(back, []);
    threads.leave(worker);
    assert.deepEqual(back, [worker]);
  });

  it("shares what it has where no thread can be spared", () => {
    const { threads } = new Pool(2, 2, 1);
    const worker = threads.join();
    assert.ok(worker);
    assert.equal(threads.join(), worker);
  });

  it("gives the job that was expected the thread that got ready", () => {
    const { threads, given, back } = new Pool(2, 2);
    const ready = threads.expect();
    assert.ok(ready);
    assert.equal(threads.expect(), undefined);
    assert.equal(threads.join(), ready);
    assert.equal(given.length, 1);
    threads.leave(ready);
    assert.deepEqual(back, []);
    assert.notEqual(threads.join(), ready);
  });

  it("gives no job to a thread that has ended", () => {
    const { threads, dead, back } = new Pool(1, 8);
    const worker = threads.join();
    assert.ok(worker);
    dead.add(worker);
    assert.notEqual(threads.join(), worker);
    threads.leave(worker);
    assert.deepEqual(back, [worker]);
  });
});
