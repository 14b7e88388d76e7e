import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { EventPublisher } from "@slipway/core/events";
import { Bundle } from "./bundle.ts";
import { DeadShims } from "./dead-shims.ts";
import type { ShimBinary } from "./shim-binary.ts";
import { ShimLinks } from "./shim-links.ts";

describe("DeadShims", () => {
  let root: string;
  let bundle: Bundle;
  /** What was told, and whether the bundle was there then. */
  let told: [topic: string, status: number, isThere: boolean][];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "slipway-dead-"));
    const folders = { stateDir: join(root, "state"), rootDir: join(root, "root") };
    bundle = Bundle.create(folders, "ns", "task", undefined);
    told = [];
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const events = {
    publish: (_: string, topic: string, { exitStatus }: { exitStatus: number }) =>
      told.push([topic, exitStatus, existsSync(bundle.path)]),
  } as unknown as EventPublisher;
  const cleanUp = async (remove: () => Promise<unknown>): Promise<unknown> =>
    await new DeadShims(events, new ShimLinks("/none"), 1000, log).cleanUp(
      bundle,
      { delete: remove } as unknown as ShimBinary,
      7,
    );

  it("tells the end while the bundle is there, so that a daemon that is killed then tells it later", async () => {
    const exit = { pid: 5, exitStatus: 137, exitedAt: new Date() };
    assert.deepEqual(await cleanUp(async () => exit), exit);
    assert.deepEqual(told, [
      ["/tasks/exit", 137, true],
      ["/tasks/delete", 137, true],
    ]);
    assert.ok(!existsSync(bundle.path));
  });

  it("tells an unknown end, and keeps the bundle, when the shim's program cannot clean up", async () => {
    await cleanUp(() => Promise.reject(new Error("no such program")));
    assert.deepEqual(told, [
      ["/tasks/exit", 255, true],
      ["/tasks/delete", 255, true],
    ]);
    assert.ok(existsSync(bundle.path));
  });
});
