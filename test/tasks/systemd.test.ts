import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { after, before, describe, it } from "node:test";
import { cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { hasSystemd } from "../support/has-systemd.ts";
import { output, run } from "../support/run.ts";
import { ours } from "./combinations.ts";
import { TaskHost } from "./host.ts";
import { taskSuite } from "./suite.ts";

const MIB = 1024 * 1024;
const resourcesType = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

describe("the systemd cgroup driver", { skip: !hasSystemd, timeout: 3_600_000 }, () => {
  for (const binary of hasSystemd ? ["runc", "crun"] : []) {
    const combination = { ...ours, binary, isSystemd: true };
    taskSuite(combination);

    describe(`with ${binary}`, { timeout: 900_000 }, () => {
      let host: TaskHost;
      before(async () => {
        host = await TaskHost.start(combination);
      });
      after(async () => await host[Symbol.asyncDispose]());

      it("puts a task into the scope and the slice that its path names, and the scope goes with it", async () => {
        const task = await host.run("sleep 1000", {
          adjust: ({ linux }) => {
            linux.cgroupsPath = "slipway-test.slice:prefix:name";
          },
        });
        const folder = "/sys/fs/cgroup/slipway.slice/slipway-test.slice/prefix-name.scope";
        assert.equal(cgroupFolder(task.pid), folder);
        assert.equal((await run("systemctl", ["is-active", "prefix-name.scope"])).stdout, "active\n");
        await task.end();
        assert.equal((await run("systemctl", ["is-active", "prefix-name.scope"])).stdout, "inactive\n");
        // systemd leaves slices, for what may come into them.
        await run("systemctl", ["stop", "slipway-test.slice", "slipway.slice"]);
      });

      it("gives systemd the limits, which stay when it reads its units anew", async () => {
        const resources = { memory: { limit: 64 * MIB }, pids: { limit: 50 } };
        const task = await host.run("sleep 1000", { resources });
        const { client } = host;
        const scope = basename(cgroupFolder(task.pid));
        const value = Buffer.from(JSON.stringify({ memory: { limit: 96 * MIB } }));
        await client.tasks.update(task.id, { typeUrl: resourcesType, value });
        await output("systemctl", ["daemon-reload"]);
        const limits = await output("systemctl", ["show", "-p", "MemoryMax,TasksMax", scope]);
        assert.deepEqual(limits.trim().split("\n").toSorted(), [`MemoryMax=${96 * MIB}`, "TasksMax=50"]);
        assert.equal(readFileSync(`${cgroupFolder(task.pid)}/memory.max`, "utf8"), `${96 * MIB}\n`);
        await task.end();
      });
    });
  }
});

/** The one that systemd made: crun has one of its own in it. */
function cgroupFolder(pid: number): string {
  const cgroup = cgroupOf(pid);
  assert.ok(cgroup.version === 2);
  return cgroup.path.replace(/\/container$/, "");
}
