import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { collectsWhenAsked as config, type Program, programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { run } from "../support/run.ts";
import { until } from "../support/until.ts";

/** Why checkpoints cannot be made here, if so. */
const skip = await reasonToSkip();

/* Nothing is played: processes go into an image and come out of it, and count on. Debian's containerd is the measure. */
for (const program of programs) {
  describe(`a process that criu saves, under ${program}`, { skip, timeout: 1_200_000 }, () => {
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
    /** A container whose shell counts, in its own memory. */
    const startCounter = async (id: string): Promise<void> => {
      const script = "i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.05; done";
      await ctr("run", "-d", image, id, "sh", "-c", script);
    };
    const pidOf = async (id: string): Promise<number> =>
      Number(new RegExp(`^${id}\\s+(\\d+)\\s+RUNNING`, "m").exec(await ctr("tasks", "ls"))?.[1]);
    /** How far the counter has come, once that is further than `past`. */
    const count = async (id: string, past = 0): Promise<number> => {
      const file = `/proc/${await pidOf(id)}/root/count`;
      return await until(() => {
        const counted = Number(readFileSync(file, "utf8"));
        return counted > past && counted;
      });
    };
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

function namespaceOf(program: Program): string {
  return `criu-${program}`;
}

async function reasonToSkip(): Promise<string | false> {
  if (!existsSync("/usr/sbin/criu")) return "there is no criu";
  const { code, stdout, stderr } = await run("criu", ["check"]);
  return code !== 0 && `criu check: ${`${stderr}${stdout}`.split("\n")[0]}`;
}
