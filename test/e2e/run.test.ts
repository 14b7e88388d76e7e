import { after, before, describe } from "node:test";
import { makeRootfs, pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { type Session, SideBySide } from "../support/side-by-side.ts";
import { until } from "../support/until.ts";

describe("ctr run", () => {
  const both = new SideBySide("run");
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
  });

  both.before(async (s) => {
    makeRootfs(s.daemon.folder.join("rootfs"));
    await s.ctrArgs(["images", "pull", "--plain-http", image]);
  });

  const run = (s: Session, flags: string, ...command: readonly string[]): Promise<unknown> =>
    s.ctrArgs(["run", "--rm", ...flags.split(" ").filter(Boolean), image, "test", ...command]);

  both.it("shows a program's output and its exit code", async (s) => {
    await run(s, "", "sh", "-c", "echo out; echo err >&2; exit 42");
    await run(s, "", "true");
    await run(s, "", "sh", "-c", "kill -TERM $$");
  });

  both.it("runs the image's own command, and reads standard input", async (s) => {
    await s.ctrArgs(["run", "--rm", image, "test"], { input: "echo from stdin; exit 3\n" });
    await s.ctrArgs(["run", "--rm", image, "test", "cat"], { input: "x".repeat(300_000) });
  });

  both.it("passes on what the flags say", async (s) => {
    await run(s, "--env A=1 --env B=2", "env");
    await run(s, "--cwd /etc", "pwd");
    await run(s, "--user 1:1", "id");
    await run(s, "--user daemon", "id");
    await run(s, "--read-only", "touch", "/x");
    await run(s, "--mount type=bind,src=/etc/hostname,dst=/hostname,options=rbind:ro", "cat", "/hostname");
    await run(
      s,
      "--mount type=tmpfs,src=tmpfs,dst=/tmp,options=size=1m",
      "sh",
      "-c",
      "mount | grep ' /tmp '",
    );
    await run(s, "--label a=b", "true");
    await run(s, "--privileged", "sh", "-c", "grep CapEff /proc/self/status");
    await run(s, "--cap-add CAP_SYS_ADMIN", "sh", "-c", "grep CapEff /proc/self/status");
    await run(s, "--rootfs-propagation shared --tty=false", "true");
    await run(s, "--hostname here", "hostname");
    await run(s, `--pid-file ${s.daemon.folder.join("pid")}`, "true");
  });

  both.it("gives a terminal", async (s) => {
    // ctr wants a terminal of its own: script makes one.
    const command = `ctr -n run --address ${s.daemon.address} run --rm -t ${image} tty sh -c 'tty; stty size; test -t 0; echo $?'`;
    // The echo of the end of script's own input comes when it comes; and on a busy machine ctr may show nothing at all.
    const shown = await until(async () => {
      const text = (await output("script", ["-qec", command, "/dev/null"])).replaceAll("^@", "").trimEnd();
      return text !== "" && text;
    });
    s.note(shown);
  });

  both.it("runs a folder as root file system", async (s) => {
    const rootfs = s.daemon.folder.join("rootfs");
    await s.ctrArgs(["run", "--rm", "--rootfs", rootfs, "r", "/bin/sh", "-c", "/bin/ls /; exit 5"]);
    await s.ctrArgs(["run", "--rm", "--rootfs", rootfs, "r", "sh"]);
  });

  both.it("says why a program cannot run, and leaves nothing", async (s) => {
    await run(s, "", "/bin/nope");
    await run(s, "", "/etc/passwd");
    await run(s, "--cwd /etc/passwd", "true");
    await run(s, "--user nobody-there", "true");
    await run(s, "--runtime io.containerd.nope.v1", "true");
    await s.ctr("run --rm none:latest test true");
    await s.ctr("tasks ls");
    await s.ctr("containers ls");
    await s.ctr("snapshots ls -q", { normalize: (text) => text.replaceAll(/test\S*/g, "") });
  });
});
