import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import type { SeccompSpec } from "@slipway/oci/runtime-spec";
import { checkSeccompProfile, parseSeccompProfile } from "./seccomp-profile.ts";

const x64 = { architecture: "x64", kernelRelease: "5.10.0-42-amd64" };
const deny = "SCMP_ACT_ERRNO";

function read(profile: object, capabilities: readonly string[] = [], machine = x64): SeccompSpec {
  return parseSeccompProfile('seccomp profile "p"', JSON.stringify(profile), capabilities, machine);
}

/** The system calls that rules remain for. */
function named(rule: object, capabilities: readonly string[] = [], machine = x64): string[] {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir"], action: deny, ...rule }],
  };
  return (read(profile, capabilities, machine).syscalls ?? []).flatMap(({ names }) => names);
}

describe("parseSeccompProfile", () => {
  it("leaves a profile of the runtime spec as it is", () => {
    const profile: SeccompSpec = {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      architectures: ["SCMP_ARCH_X86_64"],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [
        {
          names: ["personality", "nosuchcall"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 0xffff_ffff, valueTwo: 1, op: "SCMP_CMP_MASKED_EQ" }],
        },
      ],
    };
    assert.deepEqual(read(profile), profile);
    assert.deepEqual(checkSeccompProfile(profile, []), profile);
  });

  it("has the rules whose conditions hold", () => {
    const admin = ["CAP_SYS_ADMIN", "CAP_BPF"];
    for (const [condition, capabilities, holds] of [
      [{}, [], true],
      [{ caps: ["CAP_SYS_ADMIN"] }, [], false],
      [{ caps: ["CAP_SYS_ADMIN"] }, admin, true],
      [{ caps: ["CAP_SYS_ADMIN", "CAP_SYSLOG"] }, admin, false],
      [{ arches: ["amd64", "x32"] }, [], true],
      [{ arches: ["s390x"] }, [], false],
      [{ minKernel: "5.10" }, [], true],
      [{ minKernel: "4.255" }, [], true],
      [{ minKernel: "5.11" }, [], false],
      [{ minKernel: "99.0" }, [], false],
      [{ minKernel: "" }, [], true],
      [{ caps: ["CAP_SYS_ADMIN"], arches: ["arm64"] }, admin, false],
      [{ caps: null, arches: [] }, [], true],
    ] as const) {
      assert.equal(
        named({ includes: condition }, capabilities).length === 1,
        holds,
        JSON.stringify(condition),
      );
    }
  });

  it("leaves out the rules of which one exclusion holds", () => {
    const admin = ["CAP_SYS_ADMIN"];
    for (const [condition, capabilities, isOut] of [
      [{}, [], false],
      [{ caps: ["CAP_SYS_ADMIN", "CAP_BPF"] }, admin, true],
      [{ caps: ["CAP_SYS_ADMIN"] }, [], false],
      [{ caps: ["CAP_SYS_ADMIN"], arches: ["s390x"] }, admin, true],
      [{ arches: ["amd64"] }, [], true],
      [{ minKernel: "4.8" }, [], true],
      [{ minKernel: "6.0" }, [], false],
    ] as const) {
      assert.equal(
        named({ excludes: condition }, capabilities).length === 0,
        isOut,
        JSON.stringify(condition),
      );
    }
    assert.deepEqual(named({ includes: { caps: admin }, excludes: { arches: ["amd64"] } }, admin), []);
  });

  it("takes the machine's own architectures from Docker's map", () => {
    const archMap = [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
      { architecture: "SCMP_ARCH_S390X", subArchitectures: null },
    ];
    const of = (architecture: string): readonly string[] | undefined =>
      read({ defaultAction: deny, archMap }, [], { ...x64, architecture }).architectures;
    assert.deepEqual(of("x64"), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    assert.deepEqual(of("arm64"), ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    assert.deepEqual(of("s390x"), ["SCMP_ARCH_S390X"]);
    assert.equal(of("riscv64"), undefined);
  });

  it("reads the old form of one name a rule, and Podman's names of errors", () => {
    assert.deepEqual(named({ name: "chroot", names: undefined, args: null }), ["chroot"]);
    const rule = { names: ["mkdir"], action: deny, errno: "ENOSYS" };
    const { defaultErrnoRet, syscalls } = read({
      defaultAction: deny,
      defaultErrno: "EPERM",
      defaultErrnoRet: 1,
      syscalls: [rule],
    });
    assert.deepEqual([defaultErrnoRet, syscalls?.[0]?.errnoRet], [1, 38]);
  });
});

describe("a profile that is not understood", () => {
  const rule = { names: ["mkdir"], action: deny };
  const ruled = (change: object): object => ({ defaultAction: deny, syscalls: [{ ...rule, ...change }] });
  const argument = (change: object): object =>
    ruled({ args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ", ...change }] });
  for (const [profile, why] of [
    [null, "it is null"],
    [[], "it is a list, not an object"],
    [{}, '"defaultAction" is missing'],
    [{ defaultAction: "" }, '"defaultAction" is "", not one that is known'],
    [{ defaultAction: "NO", syscalls: [] }, '"defaultAction" is "NO", not one that is known'],
    [{ defaultAction: "scmp_act_allow" }, '"defaultAction" is "scmp_act_allow", not one that is known'],
    [{ defaultAction: deny, defaultErrnoRet: -1 }, '"defaultErrnoRet" is -1, not 0 to 4095'],
    [{ defaultAction: deny, defaultErrno: "EFOO" }, '"defaultErrno" is "EFOO", not one that is known'],
    [
      { defaultAction: deny, architectures: ["amd64"] },
      '"architectures[0]" is "amd64", not one that is known',
    ],
    [{ defaultAction: deny, flags: ["FAST"] }, '"flags[0]" is "FAST", not one that is known'],
    [{ defaultAction: deny, templates: [] }, '"templates" is not known'],
    [ruled({ action: "SCMP_ACT_BLOCK" }), '"syscalls[0].action" is "SCMP_ACT_BLOCK", not one that is known'],
    [ruled({ action: null }), '"syscalls[0].action" is null'],
    [ruled({ names: [] }), '"syscalls[0].names" names no system call'],
    [ruled({ names: [""] }), '"syscalls[0].names[0]" is "", not a system call'],
    [ruled({ names: "mkdir" }), '"syscalls[0].names" is "mkdir", not a list'],
    [ruled({ name: "rmdir" }), '"syscalls[0].name" and "names" exclude each other'],
    [ruled({ errnoRet: 4096 }), '"syscalls[0].errnoRet" is 4096, not 0 to 4095'],
    [ruled({ errno: "EPERM", errnoRet: 2 }), '"syscalls[0].errno" is EPERM, which is 1, not 2'],
    [ruled({ when: "never" }), '"syscalls[0].when" is not known'],
    [
      ruled({ includes: { caps: ["SYS_ADMIN"] } }),
      '"syscalls[0].includes.caps[0]" is "SYS_ADMIN", not a capability such as "CAP_SYS_ADMIN"',
    ],
    [
      ruled({ excludes: { maxKernel: "5.0" } }),
      '"syscalls[0].excludes.maxKernel" is not a condition that is known',
    ],
    [
      ruled({ includes: { minKernel: "4.8.1" } }),
      '"syscalls[0].includes.minKernel" is "4.8.1", not a version of the kernel such as "4.8"',
    ],
    [ruled({ includes: { minKernel: 4.8 } }), '"syscalls[0].includes.minKernel" is 4.8, not text'],
    [argument({ op: "EQ" }), '"syscalls[0].args[0].op" is "EQ", not one that is known'],
    [argument({ index: 6 }), '"syscalls[0].args[0].index" is 6, not 0 to 5'],
    [argument({ value: -1 }), '"syscalls[0].args[0].value" is -1, not 0 to 9007199254740991'],
    [argument({ value: 2 ** 60 }), `"syscalls[0].args[0].value" is ${2 ** 60}, not 0 to 9007199254740991`],
    [argument({ mask: 1 }), '"syscalls[0].args[0].mask" is not known'],
    [
      {
        defaultAction: deny,
        architectures: ["SCMP_ARCH_X86"],
        archMap: [{ architecture: "SCMP_ARCH_X86_64" }],
      },
      '"archMap" and "architectures" exclude each other',
    ],
  ] as const) {
    it(`is refused: ${why}`, () => {
      const message = `Cannot read seccomp profile "p": ${why}`;
      assert.throws(
        () => parseSeccompProfile('seccomp profile "p"', JSON.stringify(profile), [], x64),
        (error: unknown) => error instanceof Fault && error.message === message,
        message,
      );
    });
  }

  it("is refused also in a rule that does not count here", () => {
    assert.throws(
      () => named({ includes: { arches: ["s390x"] }, action: "NO" }),
      /"NO", not one that is known/,
    );
  });

  it("ends in a fault or a profile whatever its fields are", () => {
    const profile = {
      defaultAction: deny,
      defaultErrnoRet: 1,
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [
        { ...rule, comment: "", args: [{ index: 0, value: 1, valueTwo: 2, op: "SCMP_CMP_EQ" }] },
        { name: "chroot", action: deny, errno: "EPERM", includes: { caps: ["CAP_BPF"], minKernel: "4.8" } },
        { ...rule, errnoRet: 38, excludes: { arches: ["s390x"] } },
      ],
    };
    assertReadsAnything(
      "profile",
      [profile, { ...profile, archMap: undefined, architectures: ["SCMP_ARCH_X86_64"] }],
      (bytes) => parseSeccompProfile("profile", bytes, [], x64),
      (read) => assert.deepEqual(checkSeccompProfile(read, [], x64), read),
    );
  });
});
