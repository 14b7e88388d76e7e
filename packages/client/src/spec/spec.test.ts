import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { digestOf } from "@slipway/oci/digest";
import type { ImageConfig } from "@slipway/oci/image";
import { allCapabilities, capabilitiesOf } from "./capabilities.ts";
import { containerSpec } from "./container-spec.ts";
import { defaultSeccomp } from "./seccomp.ts";

const everything = "1ffffffffff";

describe("capabilitiesOf", () => {
  it("gives Docker's fourteen, and adds and drops by name with and without CAP_", () => {
    const given = capabilitiesOf([], [], everything);
    assert.equal(given.length, 14);
    const changed = capabilitiesOf(["sys_admin"], ["CAP_CHOWN"], everything);
    assert.deepEqual(
      changed,
      [...given, "CAP_SYS_ADMIN"].filter((name) => name !== "CAP_CHOWN"),
    );
  });

  it("knows ALL on both sides", () => {
    assert.deepEqual(capabilitiesOf(["KILL"], ["ALL"], everything), ["CAP_KILL"]);
    assert.equal(capabilitiesOf(["ALL"], ["KILL"], everything).length, 40);
  });

  it("gives nobody more than this process has", () => {
    assert.deepEqual(allCapabilities("21"), ["CAP_CHOWN", "CAP_KILL"]);
  });

  it("refuses a name that does not exist", () => {
    assert.throws(
      () => capabilitiesOf(["FLY"], [], everything),
      (error) => hasCode(error, "invalid_argument"),
    );
  });
});

describe("defaultSeccomp", () => {
  const namesOf = (capabilities: readonly string[]): string[] =>
    (defaultSeccomp(capabilities, "x64").syscalls ?? [])
      .filter(({ action, args }) => action === "SCMP_ACT_ALLOW" && !args)
      .flatMap(({ names }) => names);

  it("allows more with the capability that asks for it", () => {
    assert.ok(!namesOf([]).includes("mount"));
    assert.ok(namesOf(["CAP_SYS_ADMIN"]).includes("mount"));
    assert.ok(namesOf([]).includes("openat"));
  });

  it("answers clone3 with ENOSYS, and lets clone make no namespaces, without CAP_SYS_ADMIN", () => {
    const rules = defaultSeccomp([], "x64").syscalls ?? [];
    assert.equal(rules.find(({ names }) => names.includes("clone3"))?.errnoRet, 38);
    assert.equal(rules.find(({ names }) => names.includes("clone"))?.args?.[0]?.op, "SCMP_CMP_MASKED_EQ");
  });
});

describe("containerSpec", () => {
  const image: ImageConfig = {
    os: "linux",
    architecture: "amd64",
    config: { Entrypoint: ["/entry"], Cmd: ["one"], Env: ["PATH=/bin", "A=image"], WorkingDir: "/work" },
    rootfs: { type: "layers", diff_ids: [digestOf("")] },
  };
  const base = { id: "abc", namespace: "default", image };

  it("runs the image's entry point and command, and what replaces them", () => {
    assert.deepEqual(containerSpec(base).process.args, ["/entry", "one"]);
    assert.deepEqual(containerSpec({ ...base, args: ["two"] }).process.args, ["/entry", "two"]);
    assert.deepEqual(containerSpec({ ...base, entrypoint: ["/other"] }).process.args, ["/other"]);
    assert.throws(() => containerSpec({ id: "abc", namespace: "default" }), /names a command/);
  });

  it("lets later variables replace earlier ones", () => {
    const { env } = containerSpec({ ...base, env: ["A=mine", "B=2", "PATH"], terminal: true }).process;
    assert.deepEqual(env, ["TERM=xterm", "A=mine", "B=2"]);
  });

  it("leaves out variables of the image that no process can have", () => {
    const Env = ["=x", "", "NAME", "A=a\0b", "B=1", "C=x=y", "D=", "B=2"];
    const { env } = containerSpec({ ...base, image: { ...image, config: { Cmd: ["one"], Env } } }).process;
    assert.deepEqual(env.slice(1), ["B=2", "C=x=y", "D="]);
  });

  for (const [WorkingDir, cwd] of [
    ["work/there", "/work/there"],
    [".", "/"],
    ["", "/"],
    ["../../etc", "/etc"],
    ["//x//y/", "/x/y"],
    ["/with space", "/with space"],
  ] as const) {
    it(`takes the image's working directory "${WorkingDir}" from the root`, () => {
      const config = { Cmd: ["one"], WorkingDir };
      assert.equal(containerSpec({ ...base, image: { ...image, config } }).process.cwd, cwd);
    });
  }

  it("has its own namespaces but for those that are shared, and containerd's cgroup", () => {
    const { linux } = containerSpec({ ...base, sharedNamespaces: ["network"] });
    assert.deepEqual(
      linux.namespaces.map(({ type }) => type),
      ["pid", "ipc", "uts", "mount"],
    );
    assert.equal(linux.cgroupsPath, "/default/abc");
  });

  it("mounts what it is told in the place of a default", () => {
    const shm = { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["size=1g"] };
    const { mounts } = containerSpec({ ...base, mounts: [shm] });
    assert.deepEqual(
      mounts.filter(({ destination }) => destination === "/dev/shm"),
      [shm],
    );
  });

  it("hides nothing and filters nothing when it is privileged", () => {
    const { linux } = containerSpec({ ...base, privileged: true });
    assert.equal(linux.maskedPaths, undefined);
    assert.equal(linux.seccomp, undefined);
    assert.deepEqual(linux.resources.devices, [{ allow: true, access: "rwm" }]);
  });
});
