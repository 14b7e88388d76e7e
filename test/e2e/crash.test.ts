import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { collectsWhenAsked as config, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import type { Result } from "../support/run.ts";

/* The daemon is killed in the middle of things: what was answered stays, nothing else is half there, and it goes on. */
describe("slipwayd, killed", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd", { config });
    registry = await TestRegistry.start();
    image = `${registry.host}/big:latest`;
    using folder = new TestFolder("big");
    makeRootfs(folder.join("base"));
    const layers = [folder.join("base")];
    for (const name of ["one", "two"]) {
      mkdirSync(folder.join(name, name), { recursive: true });
      for (let file = 0; file < 40; file++)
        writeFileSync(folder.join(name, name, `${file}`), randomBytes(200_000));
      layers.push(folder.join(name));
    }
    await makeImage(`docker://${image}`, { layers });
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const ctr = async (command: string): Promise<Result> => await daemon.ctr(command.split(" "));
  const output = async (command: string): Promise<string> => {
    const { code, stdout, stderr } = await ctr(command);
    assert.equal(code, 0, `ctr ${command}: ${stderr}`);
    return stdout;
  };
  /** Kills the daemon some time into `work`, which may have ended or fails, and starts it again. */
  const killDuring = async (work: Promise<Result>, afterMs: number): Promise<Result> => {
    await setTimeout(afterMs);
    await daemon.stop("SIGKILL");
    await daemon.start();
    // Only now: a ctr that had not connected yet waits for somebody to answer.
    return await work;
  };

  for (const afterMs of [15, 40, 80, 130, 200, 300, 450]) {
    it(`${afterMs} ms into a pull, pulls it again, whole`, async () => {
      await killDuring(ctr(`images pull --plain-http ${image}`), afterMs);
      const names = (await output("images ls -q")).trim();
      assert.ok(names === "" || names === image);
      await output(`images pull --plain-http ${image}`);
      assert.match(await output("images check"), /complete \(4\/4\).*true/);
      const { stdout } = await daemon.ctr([
        "run",
        "--rm",
        image,
        "after",
        "sh",
        "-c",
        "cat /one/* /two/* | wc -c",
      ]);
      assert.equal(stdout, "16000000\n");
      // The lease of the pull that was cut off holds what it had.
      for (const lease of (await output("leases ls -q")).split("\n").filter(Boolean))
        await output(`leases rm ${lease}`);
      await output(`images rm --sync ${image}`);
      assert.equal((await output("snapshots ls")).replaceAll(/\s+/g, " "), "KEY PARENT KIND ");
      assert.equal((await output("content ls -q")).trim(), "");
    });
  }

  it("has every blob that it acknowledged", async () => {
    const acknowledged: string[] = [];
    const client = async (name: string, killed: AbortSignal): Promise<void> => {
      for (let count = 0; !killed.aborted; count++) {
        const bytes = randomBytes(1000);
        const { code } = await daemon.ctr(["content", "ingest", `${name}-${count}`], { input: bytes });
        if (code === 0) acknowledged.push(createHash("sha256").update(bytes).digest("hex"));
      }
    };
    for (let round = 0; round < 3; round++) {
      const killed = new AbortController();
      const clients = [client(`a${round}`, killed.signal), client(`b${round}`, killed.signal)];
      await setTimeout(150 + 70 * round);
      await daemon.stop("SIGKILL");
      killed.abort();
      await daemon.start();
      await Promise.all(clients);
    }
    assert.ok(acknowledged.length > 5);
    const listed = await output("content ls -q");
    for (const hex of acknowledged) {
      assert.ok(listed.includes(hex), `${hex} is lost`);
      const blob = readFileSync(`${daemon.root}/io.containerd.content.v1.content/blobs/sha256/${hex}`);
      assert.equal(createHash("sha256").update(blob).digest("hex"), hex);
    }
  });

  for (const afterMs of [10, 30, 60, 100, 200]) {
    it(`${afterMs} ms into the start of a container, starts it again`, async () => {
      const rootfs = makeRootfs(daemon.folder.join(`rootfs-${afterMs}`));
      const run = ["run", "-d", "--rootfs", rootfs, "starting", "/bin/sleep", "1000"];
      await killDuring(daemon.ctr(run), afterMs);
      // What was begun may be there, but must be possible to remove.
      await ctr("tasks rm -f starting");
      await ctr("containers rm starting");
      const again = await daemon.ctr(run);
      assert.equal(again.code, 0, again.stderr);
      assert.match(await output("tasks ls"), /starting\s+\d+\s+RUNNING/);
      await output("tasks rm -f starting");
      await output("containers rm starting");
      assert.doesNotMatch(await output("tasks ls"), /starting/);
    });
  }

  it("finds its containers again, and what became of them meanwhile", async () => {
    const rootfs = makeRootfs(daemon.folder.join("rootfs-survive"));
    const start = async (id: string, script: string): Promise<number> => {
      const { code, stderr } = await daemon.ctr([
        "run",
        "-d",
        "--rootfs",
        "--env",
        "PATH=/bin",
        rootfs,
        id,
        "/bin/sh",
        "-c",
        script,
      ]);
      assert.equal(code, 0, stderr);
      return Number(new RegExp(`${id}\\s+(\\d+)`).exec(await output("tasks ls"))?.[1]);
    };
    const lives = await start("lives", "trap 'exit 9' TERM; while :; do sleep 0.1; done");
    const ends = await start("ends", "until [ -e /go ]; do sleep 0.05; done; exit 7");
    await daemon.stop("SIGKILL");
    writeFileSync(`${rootfs}/go`, "");
    while (existsSync(`/proc/${ends}`)) await setTimeout(10);
    await daemon.start();
    const listed = await output("tasks ls");
    assert.match(listed, new RegExp(`lives\\s+${lives}\\s+RUNNING`));
    assert.match(listed, new RegExp(`ends\\s+${ends}\\s+STOPPED`));
    assert.match((await ctr("tasks rm ends")).stderr, /exit code 7/);
    assert.equal(
      (await daemon.ctr(["tasks", "exec", "--exec-id", "e", "lives", "/bin/sh", "-c", "exit 5"])).code,
      5,
    );
    await output("tasks kill lives");
    while (existsSync(`/proc/${lives}`)) await setTimeout(10);
    assert.match((await ctr("tasks rm lives")).stderr, /exit code 9/);
    await output("containers rm lives ends");
  });
});
