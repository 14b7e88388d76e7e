import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { securityOptions } from "./security-options.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-security-"));
after(() => rmSync(folder, { recursive: true }));

describe("securityOptions", () => {
  for (const [words, options] of [
    [[], {}],
    [["no-new-privileges"], { noNewPrivileges: true }],
    [["no-new-privileges=true"], { noNewPrivileges: true }],
    [["no-new-privileges:false"], { noNewPrivileges: false }],
    [["no-new-privileges", "no-new-privileges=0"], { noNewPrivileges: false }],
    [["seccomp=unconfined"], { seccomp: "unconfined" }],
    [["seccomp:unconfined"], { seccomp: "unconfined" }],
    [["seccomp=builtin"], { seccomp: "default" }],
    [["apparmor=unconfined", "label=disable", "label:disable"], {}],
    [["systempaths=unconfined"], { systemPaths: "unconfined" }],
    [["writable-cgroups"], { writableCgroups: true }],
    [["writable-cgroups=false"], { writableCgroups: false }],
  ] as const) {
    it(`reads ${JSON.stringify(words)}`, () => assert.deepEqual(securityOptions(words, false), options));
  }

  for (const [word, why] of [
    ["", "it is not known"],
    ["=", "it is not known"],
    ["colour=red", "it is not known"],
    ["Seccomp=unconfined", "it is not known"],
    [" seccomp=unconfined", "it is not known"],
    ["disable", "it is not known"],
    ["no-new-privileges=maybe", '"maybe" is neither true nor false'],
    ["no-new-privileges=", '"" is neither true nor false'],
    ["seccomp", "seccomp is builtin, unconfined or the path of a profile"],
    ["seccomp=", "seccomp is builtin, unconfined or the path of a profile"],
    ["apparmor=", "apparmor is unconfined or the name of a profile"],
    ["systempaths=confined", "systempaths can only be unconfined"],
    ["systempaths", "systempaths can only be unconfined"],
    ["label=type:spc_t", "of SELinux labels, only label=disable is possible"],
    ["label", "of SELinux labels, only label=disable is possible"],
    ["writable-cgroups=2", '"2" is neither true nor false'],
  ] as const) {
    it(`refuses "${word}": ${why}`, () =>
      assert.throws(() => securityOptions([word], false), {
        code: "invalid_argument",
        message: `Cannot use security option "${word}": ${why}`,
      }));
  }

  it("refuses an AppArmor profile that is not loaded", () => {
    assert.throws(() => securityOptions(["apparmor=slipway-none"], false), /AppArmor/);
  });

  it("keeps a privileged container from the host's devices, and no other", () => {
    const word = "privileged-without-host-devices";
    assert.deepEqual(securityOptions([word], true), { hostDevices: false });
    assert.throws(() => securityOptions([word], false), /it needs --privileged/);
  });

  it("reads a profile's file, whose name may have an = or a colon", () => {
    const file = join(folder, "a=b:c.json");
    writeFileSync(file, "\ufeff{}");
    assert.deepEqual(securityOptions([`seccomp=${file}`], false), {
      seccomp: { document: `seccomp profile "${file}"`, json: "{}" },
    });
  });

  it("says why it cannot read a profile's file", () => {
    for (const [file, why] of [
      [join(folder, "none"), "there is no such file"],
      [folder, "it is a directory"],
      ["/dev/zero", "it has more than"],
      ["x".repeat(300), "its name is too long"],
    ] as const) {
      assert.throws(
        () => securityOptions([`seccomp=${file}`], false),
        (error: Error) => error.message.startsWith(`Cannot read seccomp profile "${file}": ${why}`),
      );
    }
  });
});
