import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { makeDevice, mkfifo, mknod, S_IF } from "@slipway/linux/mknod";
import { deviceRules, parseDeviceRule } from "./device-rules.ts";
import { devicesAt, lastAtEachPlace, parseDevice } from "./devices.ts";

describe("parseDevice", () => {
  for (const [text, request] of [
    ["/dev/kmsg", { path: "/dev/kmsg" }],
    ["/dev/kmsg:r", { path: "/dev/kmsg", access: "r" }],
    ["/dev/kmsg:mrw", { path: "/dev/kmsg", access: "mrw" }],
    ["/dev/kmsg:/dev/n", { path: "/dev/kmsg", destination: "/dev/n" }],
    ["/dev/kmsg:/dev/n:rw", { path: "/dev/kmsg", destination: "/dev/n", access: "rw" }],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parseDevice(text), request));
  }
  for (const [text, why] of [
    ["", '"" is not an absolute path'],
    ["dev/kmsg", '"dev/kmsg" is not an absolute path'],
    ["vendor.example/gpu=all", '"vendor.example/gpu=all" is not an absolute path'],
    ["/dev/kmsg:dev/n", '"dev/n" is not an absolute path'],
    ["/dev/kmsg:n:rw", '"n" is not an absolute path'],
    ["/dev/kmsg:q", '"q" are no rights'],
    ["/dev/kmsg:", '"" are no rights'],
    ["/dev/kmsg:/dev/n:", '"" are no rights'],
    ["/dev/kmsg:rr", '"rr" are no rights'],
    ["/dev/kmsg:RW", '"RW" are no rights'],
    ["/dev/kmsg:/dev/n:rwmr", '"rwmr" are no rights'],
    ["/dev/kmsg:/dev/n:rw:x", "it is not PATH[:DESTINATION][:RIGHTS]"],
  ] as const) {
    it(`refuses "${text}": ${why}`, () => {
      const begin = `Cannot use device "${text}": ${why}`;
      assert.throws(
        () => parseDevice(text),
        (error: Error) => error.message.startsWith(begin),
        begin,
      );
    });
  }
});

describe("devicesAt", () => {
  const root = mkdtempSync(join(tmpdir(), "slipway-devices-"));
  after(() => rmSync(root, { recursive: true }));
  const node = (path: string, kind: number, minor: number): void =>
    mknod(join(root, path), kind | 0o640, makeDevice(1, minor));
  mkdirSync(join(root, "all/sub/deep"), { recursive: true });
  mkdirSync(join(root, "all/pts"));
  mkdirSync(join(root, "empty/sub"), { recursive: true });
  node("all/null", S_IF.CHR, 3);
  node("all/sub/deep/zero", S_IF.CHR, 5);
  node("all/sub/ram", S_IF.BLK, 0);
  node("all/pts/0", S_IF.CHR, 3);
  node("all/console", S_IF.CHR, 3);
  symlinkSync("null", join(root, "all/link"));
  symlinkSync("gone", join(root, "all/dangling"));
  mkfifo(join(root, "all/fifo"));
  writeFileSync(join(root, "all/plain"), "x");
  symlinkSync("all/null", join(root, "link"));
  symlinkSync("all", join(root, "directory"));

  it("finds a device, also by way of a link, with its own owner and mode", () => {
    const device = { type: "c", major: 1, minor: 3, fileMode: 0o640, uid: 0, gid: 0 };
    const path = join(root, "all/null");
    assert.deepEqual(devicesAt({ path }), [{ path, ...device }]);
    assert.deepEqual(devicesAt({ path: join(root, "link"), destination: "/dev/x", access: "r" }), [
      { path: "/dev/x", ...device, access: "r" },
    ]);
  });

  it("finds all that are below a directory, without links and what the runtime makes", () => {
    for (const path of [join(root, "all"), join(root, "directory")]) {
      const found = devicesAt({ path, destination: "/dev/other/", access: "rw" });
      assert.deepEqual(
        found.map((device) => `${device.path} ${device.type} ${device.minor} ${device.access}`).toSorted(),
        ["/dev/other/null c 3 rw", "/dev/other/sub/deep/zero c 5 rw", "/dev/other/sub/ram b 0 rw"],
      );
    }
  });

  it("refuses by name what is none", () => {
    for (const [name, why] of [
      ["all/plain", "it is not a device"],
      ["all/fifo", "it is not a device"],
      ["empty", "the directory has no devices"],
      ["nosuch", "there is no such file"],
      ["all/dangling", "there is no such file"],
      ["all/plain/x", "there is no such file"],
    ] as const) {
      const path = join(root, name);
      assert.throws(() => devicesAt({ path }), { message: `Cannot use device "${path}": ${why}` });
    }
    assert.throws(
      () => devicesAt({ path: "/nosuch" }),
      (error) => hasCode(error, "not_found"),
    );
  });

  it("lets the last one of a place count", () => {
    const [device] = devicesAt({ path: "/dev/null" });
    assert.ok(device);
    assert.deepEqual(lastAtEachPlace([device, { ...device, access: "r" }]), [{ ...device, access: "r" }]);
  });
});

describe("deviceRules", () => {
  it("allow what was asked for of a device, and everything by default", () => {
    const [device] = devicesAt({ path: "/dev/null" });
    assert.ok(device);
    const further = parseDeviceRule("c 13:* r");
    assert.deepEqual(deviceRules([device, { ...device, access: "r" }], false, [further]).slice(-3), [
      { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 3, access: "r" },
      { allow: true, type: "c", major: 13, access: "r" },
    ]);
    assert.throws(() => deviceRules([{ ...device, access: "x" }], false), /device "\/dev\/null": "x" are no/);
  });
});

describe("parseDeviceRule", () => {
  it("reads Docker's rules", () => {
    assert.deepEqual(parseDeviceRule("c 1:3 mr"), {
      allow: true,
      type: "c",
      major: 1,
      minor: 3,
      access: "mr",
    });
    assert.deepEqual(parseDeviceRule("a *:* rwm"), { allow: true, type: "a", access: "rwm" });
  });
  const misspelt = [
    "",
    " ",
    "c",
    "c 1:3",
    "x 1:3 r",
    "c 1 3 r",
    "c 1:3 q",
    "c 1:3 rr",
    "c -1:3 r",
    "c 1:3  r",
  ];
  const impossible = ["c 4096:3 r", "c 1:1048576 r", "c 99999999999999999999:1 r", "a 1:3 rwm", "a *:* r"];
  for (const text of [...misspelt, ...impossible, "c 1:3 r ", "c 1:3 r\n"]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseDeviceRule(text), { code: "invalid_argument" }));
  }
});
