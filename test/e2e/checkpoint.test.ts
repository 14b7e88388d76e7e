import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isRefusedByCrun, tryCheckpointByCrun } from "../support/crun.ts";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeRootfs, pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { SideBySide, withoutTimes } from "../support/side-by-side.ts";

const namespace = "checkpoint-test";
const runc = join(import.meta.dirname, "../support/runc-without-criu.sh");

describe("ctr checkpoint and restore", () => {
  const both = new SideBySide(namespace);
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
  });
  both.before((s) => s.ctrArgs(["images", "pull", "--plain-http", image]));

  both.it("stores a task as an image of containerd's parts, and restores it", async (s) => {
    await s.ctrArgs([
      "run",
      "-d",
      "--runc-binary",
      runc,
      image,
      "live",
      "sh",
      "-c",
      "echo wrote > /kept; sleep 1000",
    ]);
    await s.ctr("tasks ls -q");
    // As the client does it: the image, the writable layer and the task in one index.
    await s.ctr("containers checkpoint --rw --image --task live example.com/saved:1");
    const { stdout } = await s.daemon.ctr(["-n", namespace, "images", "ls", "name==example.com/saved:1"]);
    const digest = /sha256:[0-9a-f]{64}/.exec(stdout)?.[0] ?? "";
    const index = await s.daemon.ctr(["-n", namespace, "content", "get", digest]);
    const { manifests } = JSON.parse(index.stdout) as {
      manifests: { mediaType: string; digest: string; platform?: object }[];
    };
    s.note(manifests.map(({ mediaType }) => mediaType).join("\n"));
    for (const { mediaType, digest: part } of manifests) {
      if (!mediaType.includes("checkpoint.config")) continue;
      const { stdout: spec } = await s.daemon.ctr(["-n", namespace, "content", "get", part]);
      s.note(String(spec.includes("types.containerd.io/opencontainers/runtime-spec/1/Spec")));
    }
    await s.ctr("tasks rm --force live");
    await s.ctr("containers rm live");
    await s.ctr("containers restore --rw --live live example.com/saved:1");
    await s.ctr("tasks ls -q");
    await s.ctrArgs(["tasks", "exec", "--exec-id", "look", "live", "cat", "/kept"]);
    await s.ctr("tasks rm --force live");
    await s.ctr("containers rm live");
    await s.ctr("images rm example.com/saved:1");
  });

  both.it("writes to a folder that the client names, and stops the task when asked to", async (s) => {
    const folder = s.daemon.folder.join("pages");
    await s.ctrArgs(["run", "-d", "--runc-binary", runc, image, "named", "sleep", "1000"]);
    await s.ctr(`tasks checkpoint --image-path ${folder} named`, { normalize: withoutTimes });
    s.note(readFileSync(join(folder, "sub/pages-1.img"), "utf8"));
    await s.ctr("tasks checkpoint --exit named", {
      normalize: (text) => withoutTimes(text).replaceAll(/:\d\d-\d\d-.*/g, ""),
    });
    await s.ctr("tasks rm --force named");
    await s.ctr("containers rm named");
  });

  both.it("refuses a task that is not there", async (s) => {
    await s.ctr("tasks checkpoint none");
  });
});

describe("slipway checkpoint", () => {
  it("makes checkpoints, lists and removes them, and start goes on from one", async () => {
    using bin = new TestFolder("bin");
    symlinkSync(runc, bin.join("runc"));
    const env = {
      PATH: `${bin.path}:${process.env["PATH"]}`,
      REAL_RUNC: (await output("which", ["runc"])).trim(),
    };
    await using daemon = await TestDaemon.start("slipwayd", { env });
    const rootfs = makeRootfs(daemon.folder.join("rootfs"));
    const printed = (...args: readonly string[]): Promise<string> => daemon.printed(...args);
    await printed("run", "-d", "--name", "box", "--rootfs", rootfs, "sleep", "1000");
    assert.equal(await printed("checkpoint", "create", "--leave-running", "box", "one"), "one\n");
    assert.match(await printed("ps"), /box/);
    assert.match((await daemon.slipway(["checkpoint", "create", "box", "one"])).stderr, /already exists/);
    await printed("checkpoint", "create", "box", "two");
    await printed("wait", "box");
    assert.equal(await printed("checkpoint", "ls", "box"), "CHECKPOINT NAME\none\ntwo\n");
    assert.match((await daemon.slipway(["start", "--checkpoint", "three", "box"])).stderr, /does not exist/);
    await printed("start", "--checkpoint", "two", "box");
    assert.match(await printed("ps"), /Up .*box/);
    await printed("checkpoint", "rm", "box", "one");
    assert.equal(await printed("checkpoint", "ls", "box"), "CHECKPOINT NAME\ntwo\n");
    await printed("rm", "-f", "box");
  });
});

describe("a checkpoint", async () => {
  it("that criu cannot make fails with what runc said, and leaves nothing", async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    const run = await daemon.slipway(["run", "-d", "--rootfs", "/:O", "sleep", "1000"]);
    const id = run.stdout.trim();
    const { code, stderr } = await daemon.ctr(["tasks", "checkpoint", id]);
    assert.equal(code, 1);
    assert.match(stderr, /OCI runtime checkpoint failed: runc did not terminate successfully|criu/);
    const work = join(daemon.root, "io.containerd.runtime.v2.task/default", id);
    assert.deepEqual(readdirSync(work), []);
    const { stdout } = await daemon.ctr(["content", "ls", "-q"]);
    assert.equal(stdout, "");
    await daemon.slipway(["rm", "-f", id]);
  });

  const skip = isRefusedByCrun() || /\+CRIU/.test(await output("crun", ["--version"]));
  it("by a crun that was built without criu fails with that hint, and leaves nothing", { skip }, async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    const { code, stderr, folder } = await tryCheckpointByCrun(daemon);
    assert.equal(code, 1);
    assert.match(stderr, /unknown command checkpoint.*\n.*this crun was built without criu/s);
    assert.deepEqual(readdirSync(join(folder, "box")), []);
    await daemon.printed("rm", "-f", "box");
  });
});
