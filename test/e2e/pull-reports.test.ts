import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import type { Client } from "@slipway/client/client";
import { decodeEvent } from "@slipway/client/events";
import { pullInDaemon } from "@slipway/client/pull-in-daemon";
import { TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

const topic = "/slipway/images/pull-progress";
type Told = Readonly<Record<string, unknown>>;

describe("a pull in the daemon", () => {
  let registry: TestRegistry;
  let daemon: TestDaemon;
  let client: Client;
  let image: string;

  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
    daemon = await TestDaemon.start("slipwayd", { config: '[metrics]\n  address = "127.0.0.1:0"\n' });
    client = connect({ address: daemon.address });
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  /** What is told of an image while `work` goes on, from its first event to its last. */
  async function told(name: string, work: () => Promise<unknown>): Promise<Told[]> {
    const leave = new AbortController();
    const filters = [`topic=="${topic}",event.name=="${name}"`];
    const events = client.events.subscribe(filters, { signal: leave.signal })[Symbol.asyncIterator]();
    const seen: Told[] = [];
    const first = events.next();
    // The subscription is there when a call that was made after it has its answer.
    await client.introspection.version();
    const done = work();
    for (let next = await first; !next.done; next = await events.next()) {
      const event = decodeEvent(next.value);
      if (event) seen.push(event);
      if (event?.["state"] === "completed" || event?.["state"] === "failed") break;
    }
    leave.abort();
    await done;
    return seen;
  }

  const metrics = async (): Promise<Map<string, number>> => {
    const url = /serving metrics.*?(127\.0\.0\.1:\d+\/v1\/metrics)/.exec(daemon.log)?.[1];
    const [response] = (await once(get(`http://${url}`), "response")) as [IncomingMessage];
    assert.match(response.headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
    const lines = (await text(response)).split("\n").filter((line) => !line.startsWith("#"));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.replace(/^.* /, ""))]));
  };

  it("tells of its beginning, its progress and its end, and is counted", async () => {
    const events = await told(image, () => pullInDaemon(client, image));
    const { target } = await client.images.get(image);
    assert.deepEqual([...new Set(events.map(({ state }) => state))], ["resolving", "pulling", "completed"]);
    const last = events.at(-1) ?? {};
    assert.equal(last["digest"], target.digest);
    assert.ok(Number(last["totalBytes"]) > 500_000);
    assert.equal(last["presentBytes"], last["totalBytes"]);
    assert.equal(last["fetchedBytes"], last["totalBytes"]);
    assert.deepEqual([last["layers"], last["unpackedLayers"], last["error"]], [2, 2, ""]);

    const figures = await metrics();
    assert.equal(figures.get('containerd_cri_sandboxed_image_pulls_total{status="success"}'), 1);
    assert.equal(figures.get("containerd_cri_sandboxed_in_progress_image_pulls_total"), 0);
    assert.equal(figures.get("containerd_cri_sandboxed_image_pulling_throughput_count"), 1);
    assert.equal(figures.get("slipway_image_pull_bytes_total"), Number(last["fetchedBytes"]));
    assert.equal(figures.get("slipway_image_pull_pending_bytes"), 0);
    assert.ok((figures.get("process_resident_memory_bytes") ?? 0) > 1_000_000);
    assert.ok([...figures.keys()].some((name) => name.startsWith("containerd_build_info_total{version=")));
  });

  it("fetches nothing that is there, and says so", async () => {
    const [last] = (await told(image, () => pullInDaemon(client, image))).slice(-1);
    assert.equal(last?.["presentBytes"], last?.["totalBytes"]);
    assert.equal(last?.["fetchedBytes"], 0n);
  });

  it("tells why it failed", async () => {
    const missing = `${registry.host}/none:latest`;
    const events = await told(missing, () => assert.rejects(pullInDaemon(client, missing)));
    assert.deepEqual(
      events.map(({ state }) => state),
      ["resolving", "failed"],
    );
    assert.match(String(events.at(-1)?.["error"]), /not found/);
    const figures = await metrics();
    assert.equal(figures.get('containerd_cri_sandboxed_image_pulls_total{status="failure"}'), 1);
    assert.equal(figures.get("slipway_image_pull_pending_bytes"), 0);
  });

  it("goes no faster than it may, by a header of the call and by slipway's flag", async () => {
    const other = client.inNamespace("limited");
    // Made anew, with other times: what the daemon has is not fetched.
    await pushBusybox(registry.host);
    const begun = performance.now();
    await pullInDaemon(other, image, { downloadBytesPerSecond: 500_000 });
    // More than a megabyte; the time of its last piece is not waited for.
    assert.ok(performance.now() - begun > 1000);
    const none = pullInDaemon(other, image, { downloadBytesPerSecond: -1 });
    await assert.rejects(none, /slipway-download-bytes-per-second: "-1" is no number of bytes/);
    const bad = await daemon.slipway(["pull", "--limit-rate", "fast", image]);
    assert.match(bad.stderr, /Cannot read --limit-rate "fast"/);
    const good = await daemon.slipway(["-n", "flag", "pull", "-q", "--limit-rate", "500k", image]);
    assert.equal(good.code, 0, good.stderr);
  });

  it("answers nothing but metrics on their address", async () => {
    const url = /serving metrics.*?(127\.0\.0\.1:\d+)\/v1/.exec(daemon.log)?.[1];
    const [response] = (await once(get(`http://${url}/other`), "response")) as [IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 404);
  });
});
