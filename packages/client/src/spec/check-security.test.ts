import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { containerSpec, type ContainerSpecOptions } from "./container-spec.ts";

const base: ContainerSpecOptions = { id: "a", namespace: "b", args: ["true"] };
const device = { path: "/dev/x", type: "c", major: 1, minor: 3 };

/** A caller without types. */
function specWith(name: string, value: unknown): unknown {
  return containerSpec({ ...base, [name]: value });
}

describe("the options of a container's confinement", () => {
  for (const [name, value] of [
    ...["privileged", "noNewPrivileges", "writableCgroups", "hostDevices", "readOnly"].flatMap((one) =>
      ["false", "true", 1, 0, null, {}].map((bad) => [one, bad] as const),
    ),
    ["seccomp", "unconfind"],
    ["seccomp", "builtin"],
    ["seccomp", ""],
    ["seccomp", null],
    ["seccomp", {}],
    ["seccomp", { defaultAction: "SCMP_ACT_ALLOW", sycalls: [] }],
    ["seccomp", { document: "p", json: "{}" }],
    ["systemPaths", "unconfinde"],
    ["apparmorProfile", ""],
    ["apparmorProfile", false],
    ["capAdd", "ALL"],
    ["capAdd", [7]],
    ["capAdd", ["SYS_ADMINS"]],
    ["capDrop", ["ALLE"]],
    ["capDrop", { 0: "ALL" }],
    ["sharedNamespaces", ["net"]],
    ["sharedNamespaces", "pid"],
    ["devices", device],
    ["devices", ["/dev/null"]],
    ["devices", [{ ...device, major: "1" }]],
    ["devices", [{ ...device, type: "d" }]],
    ["devices", [{ ...device, path: "dev/x" }]],
    ["devices", [{ ...device, access: "x" }]],
    ["deviceRules", [{ allow: "yes" }]],
    ["deviceRules", [{ allow: true, access: "all" }]],
    ["sysctl", { "vm.swappiness": "1" }],
  ] as const) {
    it(`are refused: ${name} ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => specWith(name, value),
        (error: unknown) => error instanceof Fault && error.code === "invalid_argument",
      );
    });
  }

  it("make a spec when they are understood", () => {
    const spec = containerSpec({
      ...base,
      privileged: false,
      noNewPrivileges: true,
      writableCgroups: true,
      systemPaths: "unconfined",
      apparmorProfile: "docker-default",
      seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
      capAdd: ["SYS_TIME"],
      sharedNamespaces: ["network"],
      devices: [{ ...device, access: "r" }],
    });
    assert.deepEqual(spec.linux.devices, [device]);
    assert.deepEqual(spec.linux.resources.devices?.at(-1), {
      allow: true,
      type: "c",
      major: 1,
      minor: 3,
      access: "r",
    });
    assert.deepEqual(spec.linux.seccomp, { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] });
    assert.equal(spec.linux.maskedPaths, undefined);
    assert.equal(spec.process.apparmorProfile, "docker-default");
    assert.equal(spec.process.noNewPrivileges, true);
    const cgroups = spec.mounts.find(({ type }) => type === "cgroup");
    assert.ok(cgroups?.options?.includes("rw") && !cgroups.options.includes("ro"));
  });

  it("filter a privileged container only when a filter is named", () => {
    const filter = (seccomp?: "default" | "unconfined"): boolean =>
      containerSpec({ ...base, privileged: true, ...(seccomp ? { seccomp } : {}) }).linux.seccomp !==
      undefined;
    assert.deepEqual([filter(), filter("unconfined"), filter("default")], [false, false, true]);
  });

  it("decide a profile's conditions by the container's capabilities", () => {
    const json = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ name: "mkdir", action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_SYS_ADMIN"] } }],
    });
    const rules = (capAdd: readonly string[]): number | undefined =>
      containerSpec({ ...base, capAdd, seccomp: { document: "p", json } }).linux.seccomp?.syscalls?.length;
    assert.deepEqual([rules([]), rules(["SYS_ADMIN"])], [0, 1]);
  });
});
