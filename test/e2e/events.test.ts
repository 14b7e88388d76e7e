import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect } from "@slipway/client/connect";
import { mkfifo } from "@slipway/linux/mknod";
import { binFolder, TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import { type Session, SideBySide } from "../support/side-by-side.ts";
import { until } from "../support/until.ts";

/** Notes what `ctr events FILTERS` prints while `work` runs, up to the namespace that is made last. */
async function noteEvents(
  s: Session,
  filters: readonly string[],
  work: () => Promise<void>,
): Promise<string> {
  const ctr = (...args: readonly string[]): Promise<unknown> => s.daemon.ctr(args);
  const child = spawn(
    "ctr",
    [
      "--address",
      s.daemon.address,
      "events",
      ...filters,
      'topic=="/namespaces/update"',
      'topic=="/namespaces/create"',
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  // Nothing tells when the subscription stands: a label is changed until that is heard of.
  const first = lines.next();
  for (let heard = false; !heard;) {
    await ctr("namespaces", "label", "mark", `a=${performance.now()}`);
    heard = await Promise.race([first.then(() => true), setTimeout(20, false)]);
  }
  await work();
  await ctr("namespaces", "create", "end");
  const found: string[] = [];
  for (;;) {
    const { value } = await lines.next();
    const line = String(value);
    if (line.includes("/namespaces/create") && line.includes('"end"')) break;
    if (!line.includes("/namespaces/")) found.push(line);
  }
  const ended = once(child, "exit");
  child.kill();
  await ended;
  await ctr("namespaces", "rm", "end");
  const text = found
    .map((line) =>
      line
        .replace(/^\S+ \S+ \S+ \S+ /, "")
        .replaceAll(/"pid":\d+/g, '"pid":N')
        .replaceAll(/"exited_at":(?:\{[^}]*\}|"[^"]*")/g, '"exited_at":TIME')
        .replaceAll(/\/run\/containerd\/fifo\/\d+/g, "FIFO"),
    )
    .join("\n");
  s.note(text);
  return text;
}

describe("ctr events", () => {
  const both = new SideBySide("default");
  both.before(async (s) => {
    makeRootfs(s.daemon.folder.join("rootfs"));
    await s.daemon.ctr(["namespaces", "create", "mark"]);
  });

  both.it("tells a container's life in the order of containerd", async (s) => {
    const events = await noteEvents(s, ["topic~=/containers|tasks/"], async () => {
      const rootfs = s.daemon.folder.join("rootfs");
      await s.ctrArgs(["run", "--rm", "--rootfs", rootfs, "life", "/bin/sh", "-c", "exit 3"]);
    });
    const topics = [...events.matchAll(/\/(?:containers|tasks)\/\w+(?= )/g)].map(([topic]) => topic);
    const order = ["/containers/create", "/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"];
    assert.deepEqual(topics, [...order, "/containers/delete"]);
  });

  both.it("tells of content and snapshots", async (s) => {
    await noteEvents(s, ["topic~=/snapshot|content/"], async () => {
      await s.ctr("content ingest ref", { input: "hello" });
      await s.ctr("snapshots prepare one");
      await s.ctr("snapshots commit two one");
      await s.ctr("snapshots rm two");
    });
  });

  both.it("tells what the filters ask for", async (s) => {
    const events = await noteEvents(s, ["event.id==chosen"], async () => {
      await s.ctr("containers create --rootfs / chosen sh");
      await s.ctr("containers create --rootfs / other sh");
      await s.ctr("snapshots prepare unheard");
    });
    assert.match(events, /^default \/containers\/create .*chosen.*$/);
  });
});

describe("slipway events", () => {
  let daemon: TestDaemon;
  let rootfs: string;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
  });
  after(() => daemon[Symbol.asyncDispose]());

  interface Line {
    readonly Topic: string;
    readonly Sequence: number;
    readonly Event: { readonly containerId?: string; readonly exitStatus?: number };
  }
  /** What was told of tasks until now, over all of the daemon's lives. */
  async function told(...flags: readonly string[]): Promise<Line[]> {
    const fixed = ["events", "--format", "json", "-f", "topic~=^/tasks/", "--until", "0s"];
    const text = await daemon.printed(...fixed, ...flags);
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  }

  it("tells of an end while no daemon ran, once, and of all that was before", async () => {
    const fifo = daemon.folder.join("rootfs/go");
    mkfifo(fifo, 0o600);
    const id = (
      await daemon.printed("run", "-d", "--rootfs", rootfs, "sh", "-c", "read _ < /go; exit 3")
    ).trim();
    const started = await until(async () => (await told()).find(({ Topic }) => Topic === "/tasks/start"));
    await daemon.stop("SIGKILL");
    writeFileSync(fifo, "\n");
    await daemon.start();
    assert.equal((await daemon.printed("wait", id)).trim(), "3");
    const ends = await until(async () => {
      const found = await told("--after", String(started.Sequence));
      return found.length > 0 && found;
    });
    assert.deepEqual(
      ends.map(({ Topic, Event }) => [Topic, Event.containerId, Event.exitStatus]),
      [["/tasks/exit", id, 3]],
    );
    await daemon.stop("SIGKILL");
    await daemon.start();
    const topics = (await told("--since", "1h")).map(({ Topic }) => Topic);
    assert.deepEqual(topics, ["/tasks/create", "/tasks/start", "/tasks/exit"]);
    await daemon.printed("rm", id);
  });

  it("goes on with what comes, and says what it cannot give", async () => {
    const [first] = await told();
    const child = spawn(join(binFolder, "slipway"), ["-a", daemon.address, "events", "--since", "1h"]);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    assert.match(String((await lines.next()).value), / default \/containers\/create /);
    const name = `n${process.pid}`;
    await daemon.printed("run", "--rm", "--name", name, "--rootfs", rootfs, "true");
    for (let line = ""; !line.includes("/containers/delete"); line = String((await lines.next()).value));
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [0, null]);

    const lost = await daemon.slipway(["events", "--after", String((first?.Sequence ?? 0) - 1000)]);
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /Cannot go on after event \d+: the oldest that is kept is \d+/);
    const bad = await daemon.slipway(["events", "--after", "yesterday"]);
    assert.match(bad.stderr, /Cannot read --after "yesterday": it is not a whole number/);
  });

  it("takes what a client publishes under its own topics for what it is", async () => {
    const topics = ["/containers/create", "/containers/update", "/containers/delete"];
    topics.push("/tasks/start", "/tasks/exit", "/tasks/oom", "/tasks/delete");
    const torn = new Uint8Array([10, 255]);
    await using client = connect({ address: daemon.address });
    for (const topic of topics) {
      const event = topic.slice(1).replace(/s\/(.)/, (_, first: string) => first.toUpperCase());
      const typeName = `containerd.events.${event[0]?.toUpperCase()}${event.slice(1)}`.replace("Oom", "OOM");
      await client.events.publish(topic, { typeUrl: typeName, value: torn });
      await client.events.publish(topic, { typeUrl: "example.Other", value: torn });
    }
    // Who follows the events goes on: a container is removed by the daemon, and a client lists what was published.
    await daemon.printed("run", "-d", "--rm", "--name", "short", "--rootfs", rootfs, "true");
    await until(async () => (await daemon.printed("ps", "-a", "-q", "-f", "name=short")) === "");
    const listed = await daemon.printed("events", "--since", "1h", "--until", "0s");
    for (const topic of topics) assert.ok(listed.includes(topic), topic);
    assert.doesNotMatch(daemon.log, /level=(?:warn|error)/);
  });
});
