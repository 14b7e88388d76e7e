import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe } from "node:test";
import { setTimeout } from "node:timers/promises";
import { makeRootfs } from "../support/images.ts";
import { type Session, SideBySide } from "../support/side-by-side.ts";

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
