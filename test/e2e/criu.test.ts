import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { tryCheckpointByCrun } from "../support/crun.ts";
import { collectsWhenAsked as config, type Program, programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeRootfs, pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { run } from "../support/run.ts";
import { until } from "../support/until.ts";

/** Why checkpoints cannot be made here, if so. */
const noCriu = await reasonToSkip();

/** For a shell that counts, in its own memory. */
const counter = "i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.05; done";

/* Nothing is played: processes go into an image and come out of it, and count on. Debian's containerd is the measure. */
const sides = [
  ...programs.map((program) => ({ program, runtime: "runc" })),
  // containerd's shim has flags for a restore that crun does not know.
  { program: "slipwayd", runtime: "crun" } as const,
];
for (const { program, runtime } of sides) {
  const skip = noCriu || (runtime === "crun" && reasonToSkipCrun());
  describe(`a process that criu saves, of ${runtime} under ${program}`, { skip, timeout: 1_200_000 }, () => {
    let registry: TestRegistry;
    let daemon: TestDaemon;
    let image: string;
    before(async () => {
      registry = await TestRegistry.start();
      daemon = await TestDaemon.start(program, { config });
      image = await pushBusybox(registry.host);
      await ctr("images", "pull", "--plain-http", image);
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    const ctr = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await daemon.ctr(["-n", namespaceOf(program), ...args]);
      assert.equal(code, 0, `ctr ${args.join(" ")}: ${stderr}\n${daemon.log}`);
      return stdout;
    };
    const startCounter = async (id: string): Promise<void> => {
      await ctr("run", "-d", "--runc-binary", runtime, image, id, "sh", "-c", counter);
    };
    const pidOf = async (id: string): Promise<number> =>
      Number(new RegExp(`^${id}\\s+(\\d+)\\s+RUNNING`, "m").exec(await ctr("tasks", "ls"))?.[1]);
    const count = async (id: string, past = 0): Promise<number> => await counted(await pidOf(id), past);
    const remove = async (id: string): Promise<void> => {
      await ctr("tasks", "rm", "--force", id);
      await ctr("containers", "rm", id);
    };

    it("goes on after its checkpoint, and once more from there in another container", async () => {
      await startCounter("counter");
      const before = await count("counter", 20);
      const flags = ["--rw", "--image", "--task"];
      await ctr("containers", "checkpoint", ...flags, "counter", "example.com/counter:1");
      const saved = await count("counter", before);
      await remove("counter");
      await ctr("containers", "restore", "--rw", "--live", "again", "example.com/counter:1");
      // One that began anew would write a 1.
      const first = await count("again");
      const next = await count("again", first);
      assert.ok(next > before, `${before} before, ${saved} after, ${next} restored`);
      await ctr("tasks", "pause", "again");
      await ctr("tasks", "resume", "again");
      assert.equal(await ctr("tasks", "exec", "--exec-id", "e", "again", "echo", "hello"), "hello\n");
      assert.match(await ctr("tasks", "metrics", "again"), /memory/);
      await ctr("tasks", "kill", "-s", "SIGKILL", "again");
      await until(async () => /^again\s+\d+\s+STOPPED/m.test(await ctr("tasks", "ls")));
      assert.match(
        (await daemon.ctr(["-n", namespaceOf(program), "tasks", "rm", "again"])).stderr,
        /exit code 137/,
      );
      await ctr("containers", "rm", "again");
      await ctr("images", "rm", "example.com/counter:1");
    });

    it("ends with its checkpoint when it is to", async () => {
      await startCounter("last");
      await count("last", 5);
      const pages = daemon.folder.join("pages");
      await ctr("tasks", "checkpoint", "--exit", "--image-path", pages, "last");
      await until(async () => /^last\s+\d+\s+STOPPED/m.test(await ctr("tasks", "ls")));
      assert.ok(readFileSync(`${pages}/inventory.img`).length > 0);
      await remove("last");
    });
  });
}

describe("slipway checkpoint with criu", { skip: noCriu, timeout: 1_200_000 }, () => {
  it("saves a container, which goes on from there when it is started, and its log with it", async () => {
    await using daemon = await TestDaemon.start("slipwayd");
    const rootfs = makeRootfs(daemon.folder.join("rootfs"));
    const pid = async (): Promise<number> =>
      Number(await daemon.printed("inspect", "--format", "{{.State.Pid}}", "box"));
    const lines = async (): Promise<number[]> =>
      (await daemon.printed("logs", "box")).split("\n").filter(Boolean).map(Number);
    const script = counter.replace("sleep", "echo $i; sleep");
    await daemon.printed("run", "-d", "--name", "box", "--rootfs", rootfs, "sh", "-c", script);
    const before = await counted(await pid(), 20);
    await daemon.printed("checkpoint", "create", "--leave-running", "box", "one");
    await counted(await pid(), before);
    await daemon.printed("checkpoint", "create", "box", "two");
    await daemon.printed("wait", "box");
    const last = (await lines()).at(-1) ?? 0;
    await daemon.printed("start", "--checkpoint", "two", "box");
    const next = await counted(await pid(), last + 5);
    const logged = await until(async () => {
      const numbers = await lines();
      return numbers.includes(next) && numbers;
    });
    // No number is missing, and none is there twice: it neither began anew nor went on from the first checkpoint.
    assert.deepEqual(
      logged,
      logged.map((_, index) => index + 1),
    );
    await daemon.printed("rm", "-f", "box");
  });
});

describe("a checkpoint by crun", { skip: noCriu || reasonToSkipCrun(), timeout: 600_000 }, () => {
  it("that cannot be made for want of criu's library says what to install", async () => {
    using library = new TestFolder("library");
    writeFileSync(library.join("libcriu.so.2"), "");
    await using broken = await TestDaemon.start("slipwayd", { env: { LD_LIBRARY_PATH: library.path } });
    const { code, stderr, folder } = await tryCheckpointByCrun(broken);
    assert.equal(code, 1);
    assert.match(stderr, /could not load `libcriu\.so\.2`.*libcriu2/s);
    assert.ok(!existsSync(`${folder}/box/one`));
    await broken.printed("rm", "-f", "box");
  });
});

/** How far a counter has come, once that is further than `past`. */
async function counted(pid: number, past: number): Promise<number> {
  return await until(() => {
    const count = Number(readFileSync(`/proc/${pid}/root/count`, "utf8"));
    return count > past && count;
  });
}

function namespaceOf(program: Program): string {
  return `criu-${program}`;
}

async function reasonToSkip(): Promise<string | false> {
  if (!existsSync("/usr/sbin/criu")) return "there is no criu";
  const { code, stdout, stderr } = await run("criu", ["check"]);
  return code !== 0 && `criu check: ${`${stderr}${stdout}`.split("\n")[0]}`;
}

/** Debian's crun makes checkpoints since 13, by a library that is not installed with it unless asked for. */
function reasonToSkipCrun(): string | false {
  return globSync("/usr/lib/*/libcriu.so.2").length === 0 && "there is no libcriu";
}
