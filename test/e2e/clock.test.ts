import assert from "node:assert/strict";
import { globSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestFolder } from "../support/folder.ts";
import { TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import { until } from "../support/until.ts";

const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");
const HOUR_MS = 3_600_000;

/* The wall clock of the daemon and its shims is set back by an hour while they run, with libfaketime. */
describe(
  "a clock that is set back",
  { skip: library === undefined && "libfaketime is not installed" },
  () => {
    let folder: TestFolder;
    let daemon: TestDaemon;
    let rootfs: string;
    const setClock = (offset: string): void => writeFileSync(folder.join("clock"), `${offset}\n`);

    before(async () => {
      folder = new TestFolder("clock");
      setClock("+0");
      daemon = await TestDaemon.start("slipwayd", {
        env: {
          LD_PRELOAD: library ?? "",
          FAKETIME_TIMESTAMP_FILE: folder.join("clock"),
          FAKETIME_NO_CACHE: "1",
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      });
      rootfs = makeRootfs(daemon.folder.join("rootfs"));
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    const printed = async (...args: readonly string[]): Promise<string> =>
      (await daemon.printed(...args)).trim();
    const run = async (flags: readonly string[], script: string): Promise<string> =>
      await printed("run", "-d", ...flags, "--rootfs", rootfs, "/bin/sh", "-c", script);
    const inspected = async (id: string, field: string): Promise<string> =>
      await printed("inspect", "--format", `{{.${field}}}`, id);

    it("stops neither restarts nor health checks, nor hides what is logged from then on", async () => {
      const health = [
        "--health-cmd",
        "test -e /ready",
        "--health-interval",
        "100ms",
        "--health-retries",
        "2",
      ];
      const checked = await run(health, "sleep 1000");
      const restarted = await run(["--restart", "always"], "echo ran; sleep 0.2");
      const talker = await run([], 'while :; do i=$((i+1)); echo "line $i"; sleep 0.1; done');
      await until(async () => (await inspected(checked, "State.Health.Status")) === "unhealthy");
      await until(async () => Number(await inspected(restarted, "RestartCount")) > 0);

      const before = Number(await inspected(restarted, "RestartCount"));
      const linesBefore = (await printed("logs", talker)).split("\n").length;
      setClock("-1h");
      writeFileSync(`${rootfs}/ready`, "");
      await until(async () => (await inspected(checked, "State.Health.Status")) === "healthy");
      await until(async () => Number(await inspected(restarted, "RestartCount")) > before + 1);
      await until(async () => (await printed("logs", talker)).split("\n").length > linesBefore + 3);

      const entries = (await printed("logs", "-t", talker)).split("\n").map((line) => line.split(/ (.*)/s));
      assert.deepEqual(
        entries.map(([, text]) => text),
        entries.map((_, index) => `line ${index + 1}`),
      );
      const [first = 0, last = 0] = [entries[0], entries.at(-1)].map((entry) => Date.parse(entry?.[0] ?? ""));
      assert.ok(last < first, "the last line has the time that the clock showed");
      const late = await run([], "true");
      const off = Date.now() - Date.parse(await inspected(late, "Created"));
      assert.ok(Math.abs(off - HOUR_MS) < 60_000, `created ${off} ms ago`);
      await printed("rm", "-f", checked, restarted, talker, late);
    });
  },
);
