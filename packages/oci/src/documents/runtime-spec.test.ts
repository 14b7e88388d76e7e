import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { formatSpecJson } from "../spec-json.ts";
import { parseRuntimeSpec } from "./runtime-spec.ts";
import { assertReadsAnything } from "./testing/hostile-json.ts";

const spec = {
  ociVersion: "1.2.1",
  root: { path: "rootfs", readonly: true },
  process: {
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 1000, gid: 4_294_967_295, umask: 18, additionalGids: [0, 10] },
    args: ["sh"],
    env: ["PATH=/bin"],
    cwd: "/",
    capabilities: { bounding: ["CAP_CHOWN"] },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
    oomScoreAdj: -1000,
    ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 4 },
  },
  hostname: "h",
  mounts: [{ destination: "/proc", type: "proc", source: "proc", options: ["ro"] }],
  hooks: { prestart: [{ path: "/bin/true" }] },
  annotations: { a: "b" },
  linux: {
    namespaces: [{ type: "pid" }, { type: "network", path: "/proc/1/ns/net" }],
    cgroupsPath: "/a/b",
    resources: {
      memory: { limit: 1 },
      cpu: { shares: 2, cpus: "0" },
      pids: { limit: -1 },
      unified: { a: "b" },
    },
    seccomp: { defaultAction: "SCMP_ACT_ERRNO" },
    devices: [{ path: "/dev/x" }],
    maskedPaths: ["/proc/kcore"],
  },
  vm: { hypervisor: {} },
};
const least = {
  ociVersion: "",
  root: { path: "" },
  process: { user: { uid: 0, gid: 0 }, args: [], env: [], cwd: "" },
  mounts: [],
  linux: { namespaces: [], resources: {} },
};
const parse = (text: string): unknown => parseRuntimeSpec("it", Buffer.from(text));

describe("parseRuntimeSpec", () => {
  it("gives what is written, unknown fields too", () => {
    assert.deepEqual(parse(JSON.stringify(spec)), spec);
  });

  it("takes missing and null for empty", () => {
    assert.deepEqual(parse("{}"), least);
    assert.deepEqual(
      parse(JSON.stringify({ ...least, process: null, root: null, linux: null, mounts: null })),
      least,
    );
    assert.deepEqual(parse('{"linux": {"resources": {"memory": null, "cpu": null}}}'), least);
  });

  it("keeps limits of 64 bits as they are", () => {
    const text =
      '{"process":{"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}]},"linux":{"resources":{"memory":{"limit":9223372036854771712}}}}';
    const written = formatSpecJson(parseRuntimeSpec("it", Buffer.from(text)));
    assert.match(written, /"hard":18446744073709551615\b/);
    assert.match(written, /"limit":9223372036854771712\b/);
  });

  for (const [why, text] of [
    ['"process.args" is "sh", not a list', '{"process": {"args": "sh"}}'],
    ['"process.user.uid" is -1, not 0 to 4294967295', '{"process": {"user": {"uid": -1}}}'],
    ['"process.user.uid" is "0", not a whole number', '{"process": {"user": {"uid": "0"}}}'],
    [
      '"process.user.additionalGids[0]" is 4294967296, not 0 to 4294967295',
      '{"process": {"user": {"additionalGids": [4294967296]}}}',
    ],
    [
      '"process.rlimits[0].hard" is 18446744073709551616, not a whole number of 64 bits',
      '{"process": {"rlimits": [{"hard": 18446744073709551616}]}}',
    ],
    ['"mounts[0].options" is "ro", not a list', '{"mounts": [{"options": "ro"}]}'],
    ['"linux" is a list, not an object', '{"linux": []}'],
    ['"annotations.a" is 1, not text', '{"annotations": {"a": 1}}'],
    ["it is a list, not an object", "[]"],
    ["it is empty", ""],
  ] as const) {
    it(`refuses it: ${why}`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof Fault && error.message === `Cannot read it: ${why}`,
      );
    });
  }

  it("reads anything as a spec or refuses it in a sentence", () => {
    assertReadsAnything(
      "it",
      [spec, {}],
      (bytes) => parseRuntimeSpec("it", bytes),
      (value) =>
        assert.equal(
          formatSpecJson(parseRuntimeSpec("it", Buffer.from(formatSpecJson(value)))),
          formatSpecJson(value),
        ),
    );
  });
});
