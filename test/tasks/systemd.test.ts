import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { run } from "../support/run.ts";
import { ours } from "./combinations.ts";
import { TaskHost } from "./host.ts";
import { taskSuite } from "./suite.ts";

// sd_booted(3)
const isBooted = existsSync("/run/systemd/system");
describe("the systemd cgroup driver", { skip: !isBooted, timeout: 3_600_000 }, () => {
  for (const binary of isBooted ? ["runc", "crun"] : []) {
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
        assert.equal(
          readFileSync(`/proc/${task.pid}/cgroup`, "utf8")
            .trim()
            .replace(/\/container$/, ""),
          "0::/slipway.slice/slipway-test.slice/prefix-name.scope",
        );
        assert.equal((await run("systemctl", ["is-active", "prefix-name.scope"])).stdout, "active\n");
        await task.end();
        assert.equal((await run("systemctl", ["is-active", "prefix-name.scope"])).stdout, "inactive\n");
        // systemd leaves slices, for what may come into them.
        await run("systemctl", ["stop", "slipway-test.slice", "slipway.slice"]);
      });
    });
  }
});
