import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import { until } from "../support/until.ts";

describe("slipway inspect", () => {
  let daemon: TestDaemon;
  let rootfs: string;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    rootfs = makeRootfs(daemon.folder.join("rootfs"));
  });
  after(() => daemon[Symbol.asyncDispose]());

  const printed = async (...args: readonly string[]): Promise<string> =>
    (await daemon.printed(...args)).trim();
  const stateOf = async (id: string): Promise<Readonly<Record<string, unknown>>> =>
    JSON.parse(await printed("inspect", "-f", "{{json .State}}", id)) as Record<string, unknown>;

  it("tells a container's state in Docker's words, from before its start to after its end", async () => {
    const never = "0001-01-01T00:00:00Z";
    const id = await printed("create", "--rootfs", rootfs, "sleep", "1000");
    const fresh = { Restarting: false, OOMKilled: false, Dead: false, Error: "" };
    assert.deepEqual(await stateOf(id), {
      ...fresh,
      Status: "created",
      Running: false,
      Paused: false,
      Pid: 0,
      ExitCode: 0,
      StartedAt: never,
      FinishedAt: never,
    });
    await printed("start", id);
    const { StartedAt, Pid, ...running } = await stateOf(id);
    const runs = {
      ...fresh,
      Status: "running",
      Running: true,
      Paused: false,
      ExitCode: 0,
      FinishedAt: never,
    };
    assert.deepEqual(running, runs);
    assert.ok(Number(Pid) > 0);
    await printed("pause", id);
    const { StartedAt: _, ...paused } = await stateOf(id);
    assert.deepEqual(paused, { ...runs, Status: "paused", Paused: true, Pid });
    await printed("unpause", id);
    await printed("kill", id);
    assert.equal(await printed("wait", id), "137");
    const { StartedAt: began, FinishedAt: ended, ...stopped } = await stateOf(id);
    assert.deepEqual(stopped, {
      ...fresh,
      Status: "exited",
      Running: false,
      Paused: false,
      Pid: 0,
      ExitCode: 137,
    });
    // A process's own time is counted in ticks of 10 ms; the event is of the moment after it.
    assert.ok(Math.abs(Date.parse(String(began)) - Date.parse(String(StartedAt))) < 1000, String(began));
    assert.ok(Date.parse(String(began)) <= Date.parse(String(ended)));
    await printed("rm", id);
  });

  it("says that memory ran out, also after a restart, until the container is started again", async () => {
    const script = "test -e /again || exec tail -n 1 /dev/zero";
    const id = await printed("run", "-d", "-m", "16m", "--rootfs", rootfs, "sh", "-c", script);
    assert.equal(await printed("wait", id), "137");
    await until(async () => (await stateOf(id))["OOMKilled"] === true);
    await daemon.stop("SIGKILL");
    await daemon.start();
    const { OOMKilled, ExitCode } = await stateOf(id);
    assert.deepEqual([OOMKilled, ExitCode], [true, 137]);
    writeFileSync(`${rootfs}/again`, "");
    await printed("start", id);
    assert.equal(await printed("wait", id), "0");
    await until(async () => (await stateOf(id))["OOMKilled"] === false);
    await printed("rm", id);
  });

  it("shows what there is, and names what is not", async () => {
    const id = await printed("create", "--name", "there", "--rootfs", rootfs, "true");
    const { code, stdout, stderr } = await daemon.slipway(["inspect", "-f", "{{.Id}}", "there", "none"]);
    assert.deepEqual([code, stdout, stderr], [1, `${id}\n`, "slipway: No such object: none\n"]);
    const image = await daemon.slipway(["inspect", "--type", "image", "there"]);
    assert.deepEqual([image.code, image.stdout], [1, "[]\n"]);
    assert.match(image.stderr, /no such image: there/);
    await printed("rm", id);
  });
});

describe("slipway load", () => {
  it("names a file that is no archive, and says so", async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    const file = daemon.folder.join("letter.txt");
    writeFileSync(file, "Dear reader,\n".repeat(100));
    const { code, stderr } = await daemon.slipway(["load", "-i", file]);
    assert.deepEqual(
      [code, stderr],
      [1, `slipway: Cannot load "${file}": unrecognized image format: it is no tar archive\n`],
    );
    const piped = await daemon.slipway(["load"], { input: "short" });
    assert.match(piped.stderr, /Cannot load the input: unrecognized image format: it is no tar archive/);
    const zeros = await daemon.slipway(["load", "-i", "/dev/zero"]);
    assert.deepEqual(
      [zeros.code, zeros.stderr],
      [1, 'slipway: Cannot load "/dev/zero": unrecognized image format: there is nothing in it\n'],
    );
    const none = await daemon.slipway(["load", "-i", daemon.folder.join("none")]);
    assert.match(none.stderr, /Cannot open ".*none": no such file or directory/);
  });
});
