import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { binFolder, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { until } from "../support/until.ts";

describe("what run mounts and writes for a container", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let folder: TestFolder;
  let image: string;

  before(async () => {
    folder = new TestFolder("run-files");
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    const root = makeRootfs(folder.join("rootfs"));
    mkdirSync(join(root, "data"));
    writeFileSync(join(root, "data/seed"), "seed\n");
    image = `${registry.host}/volume:1`;
    await makeImage(`docker://${image}`, {
      layers: [root],
      config: [
        "--config.volume",
        "/data",
        "--config.volume",
        "/not/there",
        "--config.stopsignal",
        "SIGNOSUCH",
      ],
    });
    await daemon.printed("pull", "-q", image);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const volumes = async (...flags: readonly string[]): Promise<string[]> =>
    (await daemon.printed("volume", "ls", "-q", ...flags)).split("\n").filter(Boolean);
  const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
    const { code, stderr } = await daemon.slipway(args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  };

  it("keeps an image's volumes over starts, out of a commit, and removes them with --rm and rm -v", async () => {
    const script = "cat /data/*; echo x >/data/new; echo y >/not/there/y; echo z >/outside";
    assert.equal(await daemon.printed("run", "--name", "v", image, "sh", "-c", script), "seed\n");
    assert.equal(await daemon.printed("start", "-a", "v"), "x\nseed\n");
    const mounts = JSON.parse(
      await daemon.printed("inspect", "--format", "{{json .Mounts}}", "v"),
    ) as object[];
    assert.deepEqual(
      mounts.map((mount) => ({ ...mount, Name: "", Source: "" })),
      ["/data", "/not/there"].map((Destination) => ({
        Type: "volume",
        Name: "",
        Driver: "local",
        Source: "",
        Destination,
        Mode: "rw",
        RW: true,
        Propagation: "rprivate",
      })),
    );
    await daemon.printed("commit", "v", "committed:1");
    assert.equal(
      await daemon.printed("run", "--rm", "committed:1", "sh", "-c", "cat /outside; ls /data"),
      "z\nseed\n",
    );
    assert.equal((await volumes()).length, 2);
    await daemon.printed("rm", "-v", "v");
    assert.deepEqual(await volumes(), []);
    await daemon.printed("create", "--name", "w", image);
    await daemon.printed("rm", "w");
    assert.equal((await volumes("-f", "dangling=true")).length, 2);
    await daemon.printed("volume", "prune", "-f");
    assert.deepEqual(await volumes(), []);
  });

  it("removes them with run -d --rm, whose client is gone, too", async () => {
    await daemon.printed("run", "-d", "--rm", image, "true");
    await until(async () => (await volumes()).length === 0);
  });

  it("has named volumes as Docker has them", async () => {
    const list = ["sh", "-c", "ls /data; echo $$ >/data/own"];
    assert.equal(await daemon.printed("run", "--rm", "-v", "db:/data", image, ...list), "seed\n");
    assert.equal(
      await daemon.printed("run", "--rm", "-v", "db:/data:ro", image, "ls", "/data"),
      "own\nseed\n",
    );
    const bare = ["--mount", "src=bare,dst=/data,volume-nocopy,volume-label=a=b"];
    assert.equal(await daemon.printed("run", "--rm", ...bare, image, "ls", "/data"), "");
    assert.deepEqual(await volumes(), ["bare", "db"]);
    assert.deepEqual(await volumes("-f", "label=a=b"), ["bare"]);
    assert.equal(await daemon.printed("volume", "create", "-l", "x=y", "new"), "new\n");
    assert.match(
      await daemon.printed("volume", "inspect", "-f", "{{.Labels.x}} {{.Mountpoint}}", "new"),
      /^y \/.*\/new\/_data\n$/,
    );
    await daemon.printed("create", "--name", "user", "-v", "db:/data", "--tmpfs", "/not/there", image);
    await refused(
      ["volume", "rm", "db", "nosuch", "new"],
      /"db": container \w+ uses it\n.*no such volume: nosuch/s,
    );
    assert.deepEqual(await volumes(), ["bare", "db"]);
    await daemon.printed("volume", "prune", "-f");
    assert.deepEqual(await volumes(), ["bare", "db"], "those with a name stay");
    await daemon.printed("volume", "prune", "-a", "-f");
    assert.deepEqual(await volumes(), ["db"]);
    await daemon.printed("rm", "-v", "user");
    assert.deepEqual(await volumes(), ["db"]);
    await daemon.printed("volume", "rm", "db");
    await daemon.printed("volume", "rm", "-f", "db");
  });

  it("keeps a volume without a name from the moment on that somebody names it", async () => {
    await daemon.printed(
      "create",
      "--name",
      "first",
      "-v",
      "/x",
      "--tmpfs",
      "/data",
      "--tmpfs",
      "/not/there",
      image,
    );
    const [name = ""] = await volumes();
    await daemon.printed("create", "--name", "second", "-v", `${name}:/data`, "--tmpfs", "/not/there", image);
    await daemon.printed("rm", "-v", "first", "second");
    assert.deepEqual(await volumes(), [name]);
    await daemon.printed("volume", "rm", name);
  });

  it("collects what a client leaves that is killed while it creates a container", async () => {
    // Its copy takes a while.
    const root = makeRootfs(folder.join("killed"));
    mkdirSync(join(root, "data"));
    for (let index = 0; index < 2000; index++) writeFileSync(join(root, `data/f${index}`), "x");
    const slow = `${registry.host}/slow:1`;
    await makeImage(`docker://${slow}`, { layers: [root], config: ["--config.volume", "/data"] });
    await daemon.printed("pull", "-q", slow);
    const child = spawn(join(binFolder, "slipway"), ["create", slow], {
      env: { ...process.env, ...daemon.slipwayEnv },
      stdio: "ignore",
    });
    const creations = daemon.folder.join("cli/cli");
    const pending = (): string[] =>
      existsSync(creations)
        ? readdirSync(creations).flatMap((one) => readdirSync(join(creations, one, "creations/default")))
        : [];
    await until(async () => pending().length > 0);
    child.kill("SIGKILL");
    await once(child, "close");
    const ids = (await daemon.printed("ps", "-aq", "--no-trunc")).split("\n").filter(Boolean);
    if (ids.length > 0) await daemon.printed("rm", "-v", ...ids);
    await daemon.printed("run", "--rm", image, "true");
    assert.deepEqual([pending(), await volumes()], [[], []]);
  });

  it("mounts a parent before what is below it, and refuses two at one place", async () => {
    const [a, b] = [folder.join("a"), folder.join("b")];
    for (const one of [a, b]) {
      mkdirSync(one);
      writeFileSync(join(one, "f"), one);
    }
    const shown = await daemon.printed(
      "run",
      "--rm",
      "-v",
      `${a}:/x/y`,
      "-v",
      `${b}:/x/`,
      image,
      "cat",
      "/x/f",
      "/x/y/f",
    );
    assert.equal(shown, b + a);
    const before = readdirSync(folder.path);
    const [c, d] = [`${folder.join("c")}:/x`, `${folder.join("d")}:/y/../x`];
    await refused(["run", "--rm", "-v", c, "-v", d, image, "true"], /at "\/x": two mounts have this target/);
    assert.deepEqual(readdirSync(folder.path), before, "nothing is created for what is refused");
  });

  it("gives a container files of /etc that it may change and that stay", async () => {
    const script = "cat /etc/hostname /etc/hosts; echo 10.0.0.1 more >>/etc/hosts; cat /etc/resolv.conf";
    const flags = ["--network", "none", "-h", "box.example", "--add-host", "db:10.1.1.1", "--dns", "9.9.9.9"];
    const first = await daemon.printed("run", "--name", "etc", ...flags, image, "sh", "-c", script);
    assert.match(
      first,
      /^box\.example\n127\.0\.0\.1\tlocalhost\n[^]*127\.0\.0\.1\tbox\.example box\n10\.1\.1\.1\tdb\nnameserver 9\.9\.9\.9\n$/,
    );
    await daemon.stop();
    await daemon.start();
    assert.match(await daemon.printed("start", "-a", "etc"), /10\.0\.0\.1 more\n/);
    const path = (await daemon.printed("inspect", "--format", "{{.HostsPath}}", "etc")).trim();
    assert.match(readFileSync(path, "utf8"), /10\.0\.0\.1 more\n10\.0\.0\.1 more\n$/);
    await daemon.printed("rm", "-v", "etc");
    assert.ok(!existsSync(path));
    const written = ["sh", "-c", "echo x >>/etc/hosts"];
    assert.notEqual((await daemon.slipway(["run", "--rm", "--read-only", image, ...written])).code, 0);
  });

  it("stops a container whose image has a signal that does not exist", async () => {
    await daemon.printed("run", "-d", "--name", "stop", image, "sleep", "1000");
    await daemon.printed("stop", "-t", "0", "stop");
    await daemon.printed("rm", "-v", "stop");
  });

  it("has the limits of the flags in a further process, also after an update and a restart", async () => {
    const show = ["sh", "-c", "ulimit -n; ulimit -c"];
    await daemon.printed(
      "run",
      "-d",
      "--name",
      "u",
      "--ulimit",
      "nofile=2048",
      "--ulimit",
      "core=-1",
      image,
      "sleep",
      "1000",
    );
    assert.equal(await daemon.printed("exec", "u", ...show), "2048\nunlimited\n");
    await daemon.printed("update", "--pids-limit", "50", "u");
    await daemon.printed("restart", "-t", "0", "u");
    assert.equal(await daemon.printed("exec", "u", ...show), "2048\nunlimited\n");
    await daemon.printed("rm", "-f", "-v", "u");
  });
});
