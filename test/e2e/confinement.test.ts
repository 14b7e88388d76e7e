import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeDevice, mknod, S_IF } from "@slipway/linux/mknod";
import { TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

describe("a container's confinement", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;
  // Devices need a file system that was not mounted with nodev, as /tmp often is.
  const devices = `/dev/slipway-test-${process.pid}`;

  before(async () => {
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    image = await pushBusybox(registry.host);
    await daemon.printed("pull", "-q", image);
    mkdirSync(join(devices, "sub"), { recursive: true });
    mknod(join(devices, "a"), S_IF.CHR | 0o666, makeDevice(1, 3));
    mknod(join(devices, "sub/b"), S_IF.CHR | 0o666, makeDevice(1, 5));
  });
  after(async () => {
    rmSync(devices, { recursive: true, force: true });
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const run = (flags: readonly string[], line: string): ReturnType<TestDaemon["slipway"]> =>
    daemon.slipway(["run", "--rm", ...flags, image, "sh", "-c", line]);

  it("is by the rules of a Docker profile whose conditions hold", async () => {
    const file = daemon.folder.join("profile.json");
    const deny = { action: "SCMP_ACT_ERRNO", errnoRet: 38 };
    const admin = { includes: { caps: ["CAP_SYS_ADMIN"] } };
    const foreign = { includes: { arches: ["s390x"] } };
    writeFileSync(
      file,
      JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          { names: ["mkdir", "mkdirat"], ...deny, ...admin },
          { names: ["symlink", "symlinkat"], ...deny, ...foreign },
          { name: "sethostname", ...deny },
        ],
      }),
    );
    const profile = ["--security-opt", `seccomp=${file}`];
    assert.equal((await run(profile, "mkdir /tmp/a && ln -s a /tmp/b")).code, 0);
    const denied = await run([...profile, "--cap-add", "sys_admin"], "mkdir /tmp/a");
    assert.match(denied.stderr, /Function not implemented/);
  });

  it("lets devices be read alone, and gives all of a directory", async () => {
    const all = await run(
      ["--device", `${devices}:/dev/all`],
      "cd /dev/all && test -c a -a -c sub/b && echo x > a",
    );
    assert.equal(all.code, 0, all.stderr);
    const reader = await run(["--device", "/dev/kmsg:/dev/k:r"], "test -c /dev/k && echo x > /dev/k");
    assert.match(reader.stderr, /Operation not permitted/);
  });

  it("does not take a number of an image's for a name", async () => {
    const { code, stderr } = await run(["--user", "18446744073709551616"], "id");
    assert.equal(code, 125);
    assert.match(stderr, /^slipway: Cannot read uid "18446744073709551616": it is out of range/);
  });

  it("is less with systempaths=unconfined and writable-cgroups, and not otherwise", async () => {
    const look = "grep -c ' /proc/sys ' /proc/mounts; grep ' /sys/fs/cgroup.* ro,' /proc/mounts | wc -l";
    const [protectedPaths = "", readOnly = ""] = (await run([], look)).stdout.split("\n");
    assert.equal(protectedPaths, "1");
    assert.notEqual(readOnly.trim(), "0");
    const flags = ["--security-opt", "systempaths=unconfined", "--security-opt", "writable-cgroups=true"];
    const open = (await run(flags, look)).stdout.split("\n");
    assert.deepEqual(
      open.slice(0, 2).map((line) => line.trim()),
      ["0", "0"],
    );
  });
});
