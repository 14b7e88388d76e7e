import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import type { Envelope } from "@slipway/core/events";
import { Exchange } from "./exchange.ts";

/** Ends the subscription and gives what it had received by then. */
async function received(subscription: AsyncIterable<Envelope>, stop: AbortController): Promise<Envelope[]> {
  stop.abort();
  return await Array.fromAsync(subscription);
}

const exit = { containerId: "c1", id: "e1", pid: 7, exitStatus: 3, exitedAt: new Date(1_700_000_000_123) };

describe("Exchange", () => {
  it("publishes payloads as the messages of containerd, named without a host", async () => {
    const stop = new AbortController();
    const exchange = new Exchange();
    const events = exchange.subscribe([], stop);
    exchange.publish("fleet", "/images/create", { name: "busybox", labels: { a: "b" } });
    exchange.publish("fleet", "/tasks/exit", exit);
    const [image, task] = await received(events, stop);
    assert.equal(image?.event.typeUrl, "containerd.services.images.v1.ImageCreate");
    assert.equal(task?.event.typeUrl, "containerd.events.TaskExit");
    assert.deepEqual([task.namespace, task.topic], ["fleet", "/tasks/exit"]);
    const { exitStatus, exitedAt } = fromBinary(TaskExitSchema, task.event.value);
    assert.equal(exitStatus, 3);
    assert.deepEqual([exitedAt?.seconds, exitedAt?.nanos], [1_700_000_000n, 123_000_000]);
  });

  it("gives a subscriber what matches any of its filters", async () => {
    const exchange = new Exchange();
    const publish = (): void => {
      exchange.publish("a", "/tasks/exit", exit);
      exchange.publish("b", "/tasks/start", { containerId: "c1", pid: 1 });
      exchange.publish("b", "/images/update", { name: "i", labels: { "tier/x": "gold" } });
      exchange.publish("b", "/tasks/create", {
        containerId: "c2",
        bundle: "/b",
        checkpoint: "",
        pid: 2,
        rootfs: [{ type: "bind", source: "/r", options: ["ro"] }],
        io: { stdin: "", stdout: "/o", stderr: "", terminal: true },
      });
    };
    const topics = async (...filters: string[]): Promise<string[]> => {
      const stop = new AbortController();
      const events = exchange.subscribe(filters, stop);
      publish();
      return (await received(events, stop)).map(({ topic }) => topic);
    };
    assert.deepEqual(await topics("namespace==a", "event.name==i"), ["/tasks/exit", "/images/update"]);
    assert.deepEqual(await topics('topic~="^/tasks/",event.container_id==c1'), [
      "/tasks/exit",
      "/tasks/start",
    ]);
    assert.deepEqual(await topics('event.labels."tier/x"==gold'), ["/images/update"]);
    assert.deepEqual(await topics("event.io.terminal==true"), ["/tasks/create"]);
    assert.deepEqual(await topics("event.pid==7"), []);
  });

  it("refuses malformed filters and envelopes", () => {
    const exchange = new Exchange();
    assert.throws(() => exchange.subscribe(["topic=="]), { code: "invalid_argument" });
    const timestamp = new Date();
    const event = { typeUrl: "x", value: new Uint8Array() };
    const forward = (namespace: string, topic: string): void =>
      exchange.announce({ timestamp, namespace, topic, event });
    forward("n", "/custom/topic");
    for (const [topic, reason] of [
      ["", /must not be empty/],
      ["tasks", /must start with '\/'/],
      ["/", /must have at least one component/],
      ["/a//b", /envelope topic "\/a\/\/b": failed validation on component ""/],
    ] as const) {
      assert.throws(() => forward("n", topic), { code: "invalid_argument", message: reason });
    }
    assert.throws(() => forward("../n", "/a"), /event envelope has invalid namespace/);
  });

  it("gives what waits, then ends a subscriber that does not keep up, and no other", async () => {
    const exchange = new Exchange();
    const stop = new AbortController();
    const slow = exchange.subscribe([]);
    const other = exchange.subscribe(["event.id==last"], stop);
    for (let n = 0; n < 20_000; n++) exchange.publish("n", "/containers/delete", { id: `c${n}` });
    exchange.publish("n", "/containers/delete", { id: "last" });
    let seen = 0;
    const drain = async (): Promise<void> => {
      for await (const _ of slow) seen++;
    };
    await assert.rejects(drain(), { code: "resource_exhausted" });
    assert.equal(seen, 16_384);
    assert.equal((await received(other, stop)).length, 1);
  });

  it("hands one event to 500 waiting subscribers, and forgets those that left", async () => {
    const exchange = new Exchange();
    const waiting = Array.from({ length: 500 }, async () => {
      for await (const { topic } of exchange.subscribe([])) return topic;
      return undefined;
    });
    await Promise.resolve();
    exchange.publish("n", "/namespaces/delete", { name: "n" });
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["/namespaces/delete"]));
  });

  it("ends at once for a signal that is aborted already", async () => {
    const events = new Exchange().subscribe([], { signal: AbortSignal.abort() });
    assert.deepEqual(await Array.fromAsync(events), []);
  });
});
