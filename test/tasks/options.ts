import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { cgroupRoots } from "@slipway/linux/cgroup/cgroup";
import type { Combination } from "./combinations.ts";
import type { TaskHost } from "./host.ts";
import { until } from "../support/until.ts";
import { parentOf } from "./parent-of.ts";

/** What runc's options ask for, beyond the runtime and its cgroups. */
export function optionTests(host: () => TaskHost, { binary }: Combination): void {
  // crun takes the group away again as well.
  const skip = !binary.endsWith("runc");
  it("gets pipes of the owner that the options name, and so do its execs", { skip }, async () => {
    // runc itself gives them to the user of the process, whatever the options say, and leaves the group.
    const show = "stat -L -c %g /proc/self/fd/1; stat -L -c %g /proc/self/fd/2 >&2";
    const task = await host().run(`${show}; sleep 1000`, { runtimeOptions: { ioUid: 77, ioGid: 88 } });
    await task.stdout?.until("88\n");
    await task.stderr?.until("88\n");
    const exec = await task.exec("own", ["sh", "-c", show]);
    await exec.start();
    assert.deepEqual(await exec.printed(), ["88\n", "88\n"]);
    await task.end();
  });

  it("has its shim in the cgroup that the options name", async () => {
    const path = `/shim-of-${host().namespace}`;
    // One hierarchy of version 1 is enough; that of cpuset takes nobody in without more ado.
    const roots = cgroupRoots().filter((root, _, { length }) => length === 1 || root.endsWith("/pids"));
    const folders = roots.map((root) => join(root, path));
    const processes = (): string =>
      folders.map((one) => readFileSync(join(one, "cgroup.procs"), "utf8")).join("");
    for (const folder of folders) mkdirSync(folder);
    try {
      const task = await host().run("sleep 1000", { runtimeOptions: { shimCgroup: path } });
      const shim = readFileSync(`/proc/${parentOf(task.pid)}/cgroup`, "utf8");
      assert.ok(shim.includes(`:${path}\n`), shim);
      await task.end();
      await until(() => processes() === "");
    } finally {
      for (const folder of folders) rmdirSync(folder);
    }
  });

  it("is not made when that cgroup is not there", async () => {
    const made = host().create("true", { runtimeOptions: { shimCgroup: "/no/such/cgroup" } });
    await assert.rejects(
      made,
      /failed to start shim.*\/no\/such\/cgroup|cgroup deleted|failed to load cgroup/s,
    );
  });
}
