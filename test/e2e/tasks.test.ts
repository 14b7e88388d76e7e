import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { type Session, SideBySide, withoutTimes } from "../support/side-by-side.ts";

// Not "tasks": every cgroup of version 1 has a file of that name.
const namespace = "task-test";

describe("ctr tasks", () => {
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
  const pids = (text: string): string => text.replaceAll(/\b\d{2,}\b/g, "PID").replaceAll(/[ \t]+/g, " ");

  both.it("looks after a task in the background", async (s) => {
    await s.ctr(`run -d ${image} life sleep 1000`);
    await s.ctr("tasks ls", { normalize: pids });
    await s.ctr("tasks ps life", { normalize: pids });
    await s.ctrArgs(["tasks", "exec", "--exec-id", "one", "life", "sh", "-c", "echo inside; exit 3"]);
    await s.ctrArgs(["tasks", "exec", "--exec-id", "two", "life", "head", "-c", "7"], {
      input: "through stdin",
    });
    await s.ctrArgs([
      "tasks",
      "exec",
      "--exec-id",
      "three",
      "--cwd",
      "/etc",
      "--user",
      "1",
      "life",
      "sh",
      "-c",
      "pwd; id",
    ]);
    await s.ctr("tasks exec --exec-id four life /bin/nope");
    await s.ctr("tasks pause life");
    await s.ctr("tasks ls", { normalize: pids });
    await s.ctr("tasks pause life");
    await s.ctr("tasks exec --exec-id five life true");
    await s.ctr("tasks resume life");
    await s.ctr("tasks resume life");
    await s.ctr("tasks rm life");
    await s.ctr("containers rm life");
    await s.ctr("tasks kill --signal SIGKILL life");
    await removed(s, "life");
    await s.ctr("tasks ls");
    await s.ctr("containers rm life");
  });

  both.it("kills with a signal, every process, and a second time", async (s) => {
    await s.ctrArgs([
      "run",
      "-d",
      image,
      "trap",
      "sh",
      "-c",
      "trap 'exit 7' USR1; touch /ready; while :; do sleep 1; done",
    ]);
    await s.ctrArgs([
      "tasks",
      "exec",
      "--exec-id",
      "ready",
      "trap",
      "sh",
      "-c",
      "until [ -e /ready ]; do :; done",
    ]);
    await s.ctr("tasks kill --signal SIGUSR1 trap");
    await removed(s, "trap");
    await s.ctr("containers rm trap");
    await s.ctr(`run -d ${image} all sleep 1000`);
    await s.ctr("tasks kill --all --signal 9 all");
    await s.ctr("tasks rm --force all");
    await s.ctr("containers rm all");
  });

  both.it("measures", async (s) => {
    await s.ctr(`run -d --memory-limit 33554432 ${image} measured sleep 1000`);
    const { stdout } = await s.ctr("tasks metrics measured", {
      normalize: (text) =>
        withoutTimes(text)
          .replaceAll(/\d+/g, "N")
          .replaceAll(/\[N.*\]/g, "[N]"),
    });
    assert.match(stdout, /memory\.usage_in_bytes\s+\d+/);
    await s.ctr("tasks rm --force measured");
    await s.ctr("containers rm measured");
  });

  both.it("refuses what containerd refuses, in its words", async (s) => {
    for (const command of ["start", "kill", "pause", "resume", "rm", "ps", "metrics", "attach"]) {
      await s.ctr(`tasks ${command} none`);
    }
    await s.ctr("tasks exec --exec-id x none true");
    await s.ctr(`run -d ${image} twice sleep 1000`);
    await s.ctr(`run -d ${image} twice sleep 1000`);
    await s.ctr("tasks start twice");
    await s.ctr("tasks kill --signal NOPE twice");
    await s.ctr("tasks kill --exec-id none twice");
    await s.ctr("tasks rm --exec-id none twice");
    await s.ctr("tasks rm --force twice");
    await s.ctr("containers rm twice");
  });
});

/** A killed task has not ended yet: removing it tells when. */
async function removed(s: Session, id: string): Promise<void> {
  for (;;) {
    const { code, stderr } = await s.daemon.ctr(["--namespace", namespace, "tasks", "rm", id]);
    if (stderr.includes("failed precondition")) continue;
    s.note(`tasks rm ${id}: ${code} ${stderr}`);
    return;
  }
}
