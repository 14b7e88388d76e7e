import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readTask } from "./record.ts";

describe("readTask", () => {
  let bundle: string;
  before(() => (bundle = mkdtempSync(join(tmpdir(), "record-"))));
  after(() => rmSync(bundle, { recursive: true }));

  const init = {
    pid: 7,
    startTime: 12345,
    status: "running",
    io: { stdin: "", stdout: "/o", stderr: "/e", terminal: false },
  } as const;
  const read = (record: unknown): ReturnType<typeof readTask> => {
    writeFileSync(join(bundle, "slipway-task.json"), JSON.stringify(record));
    return readTask(bundle);
  };

  it("returns what was written", () => {
    const exit = { exitCode: 3, exitedAt: "2026-01-02T03:04:05.678Z", isTold: true };
    const record = { rootfs: "/r", init, execs: { e: { ...init, isInputClosed: true, exit } } };
    assert.deepEqual(read(record), record);
  });

  for (const [what, wrong] of [
    ["no object", []],
    ["no init", { rootfs: "/r", execs: {} }],
    ["a pid that is text", { rootfs: "/r", init: { ...init, pid: "7" }, execs: {} }],
    ["pid 0", { rootfs: "/r", init: { ...init, pid: 0 }, execs: {} }],
    ["a status that is not known", { rootfs: "/r", init: { ...init, status: "dreaming" }, execs: {} }],
    ["streams that are null", { rootfs: "/r", init: { ...init, io: null }, execs: {} }],
    ["an exit without a time", { rootfs: "/r", init: { ...init, exit: { exitCode: 1 } }, execs: {} }],
  ] as const) {
    it(`returns undefined for a record with ${what}`, () => assert.equal(read(wrong), undefined));
  }
});
