import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { now } from "@slipway/fault/precise-date";
import type { Envelope, JournalRange } from "@slipway/core/events";
import { decodeEnvelope } from "./envelope-bytes.ts";
import { Exchange } from "./exchange.ts";
import { Journal } from "./journal.ts";
import { SafeJournal } from "./safe-journal.ts";

const oom = (id: string, timestamp: Date = now()): Envelope => ({
  timestamp,
  namespace: "n",
  topic: "/tasks/oom",
  event: { typeUrl: "containerd.events.TaskOOM", value: new TextEncoder().encode(id) },
});

describe("Journal", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A daemon's exchange over the journal in the folder, as a start finds it. */
  const open = (sizeBytes = 1 << 20): Exchange => new Exchange(new Journal(folder, sizeBytes));
  const ids = async (exchange: Exchange, range: JournalRange = {}): Promise<string[]> =>
    (await Array.fromAsync(exchange.read([], range))).map(({ event }) => Buffer.from(event.value).toString());

  it("gives the next daemon's clients what the one before told", async () => {
    const first = open();
    for (const id of ["a", "b", "c"]) first.announce(oom(id));
    // It was killed: nothing was closed.
    const second = open();
    second.announce(oom("d"));
    assert.deepEqual(await ids(second), ["a", "b", "c", "d"]);
    const [a, b] = await Array.fromAsync(second.read([]));
    assert.equal(b?.sequence, (a?.sequence ?? 0) + 1);
    assert.deepEqual(await ids(second, { after: b?.sequence ?? 0 }), ["c", "d"]);
  });

  it("goes on from what is kept to what comes, without a gap", async () => {
    const exchange = open();
    exchange.announce(oom("before"));
    const leave = new AbortController();
    const seen: string[] = [];
    for await (const { event } of exchange.read([], { follow: true, signal: leave.signal })) {
      const id = Buffer.from(event.value).toString();
      seen.push(id);
      if (id === "before") exchange.announce(oom("meanwhile"));
      if (id === "meanwhile") exchange.announce(oom("last"));
      if (id === "last") leave.abort();
    }
    assert.deepEqual(seen, ["before", "meanwhile", "last"]);
  });

  it("asks for time and filters", async () => {
    const exchange = open();
    exchange.announce(oom("old", new Date(1000)));
    exchange.announce(oom("new", new Date(3000)));
    assert.deepEqual(await ids(exchange, { since: new Date(2000) }), ["new"]);
    assert.deepEqual(await Array.fromAsync(exchange.read(["namespace==other"])), []);
    await assert.rejects(Array.fromAsync(exchange.read(["topic=="])), { code: "invalid_argument" });
  });

  it("does not tell twice what a shim sends again to the next daemon", async () => {
    const first = open();
    const event = oom("once");
    first.forward(event);
    first.forward(event);
    const second = open();
    second.forward(event);
    second.forward(oom("once", new Date(event.timestamp.getTime() + 1)));
    assert.deepEqual(await ids(second), ["once", "once"]);
  });

  it("keeps within its size, and says to whom it cannot give all", async () => {
    const exchange = open(8192);
    for (let n = 0; n < 1000; n += 1) exchange.announce(oom(`number ${n}`));
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    assert.ok(files.length === 2 && files.every((size) => size < 4096 + 200), files.join());
    const kept = await Array.fromAsync(exchange.read([]));
    assert.equal(Buffer.from(kept.at(-1)?.event.value ?? []).toString(), "number 999");
    const first = kept[0]?.sequence ?? 0;
    assert.equal((await Array.fromAsync(exchange.read([], { after: first - 1 }))).length, kept.length);
    await assert.rejects(ids(exchange, { after: first - 2 }), { code: "out_of_range" });
    // The same for a daemon that finds the files.
    await assert.rejects(ids(open(8192), { after: first - 2 }), { code: "out_of_range" });
  });

  it("begins where no earlier journal can have come to", async () => {
    const before = open();
    before.announce(oom("lost with the machine"));
    const [lost] = await Array.fromAsync(before.read([]));
    rmSync(folder, { recursive: true });
    const after = lost?.sequence ?? 0;
    while (Date.now() * 1000 <= after + 1);
    await assert.rejects(ids(open(), { after }), { code: "out_of_range" });
  });

  it("leaves out an entry that a kill cut off", async () => {
    open().announce(oom("whole"));
    const [name = ""] = readdirSync(folder);
    appendFileSync(join(folder, name), Buffer.from([200, 0, 0, 0, 1, 2, 3]));
    const next = open();
    next.announce(oom("next"));
    assert.deepEqual(await ids(next), ["whole", "next"]);
  });

  it("keeps no progress, and tells where to go on", async () => {
    const exchange = open();
    exchange.announce(oom("one"));
    const leave = new AbortController();
    const reader = exchange.read([], { follow: true, signal: leave.signal });
    const { value: one } = await reader.next();
    const next = reader.next();
    exchange.announce({ ...oom("pull"), topic: "/slipway/images/pull-progress" });
    const { value: progress } = await next;
    assert.deepEqual([progress?.topic, progress?.sequence], ["/slipway/images/pull-progress", one?.sequence]);
    leave.abort();
    assert.deepEqual(await ids(exchange), ["one"]);
  });

  it("is told and not kept when it cannot be written", () => {
    const warnings: string[] = [];
    const none = (): void => undefined;
    const log = { debug: none, info: none, warn: (text: string) => warnings.push(text), error: none };
    const full = {
      last: 7,
      append(): never {
        throw new Error("no space left");
      },
    } as unknown as Journal;
    const journal = new SafeJournal(full, log);
    assert.deepEqual([journal.append(new Uint8Array()), journal.append(new Uint8Array())], [7, 7]);
    assert.deepEqual(warnings, ["cannot keep events"]);
  });

  it("is not there when the configuration says so", async () => {
    await assert.rejects(ids(new Exchange()), { code: "unimplemented" });
  });

  it("keeps an event as it was", () => {
    const journal = new Journal(folder, 1 << 20);
    const event = oom("all of it");
    new Exchange(journal).forward(event);
    assert.deepEqual(journal.latest(1).map(decodeEnvelope), [event]);
  });
});
