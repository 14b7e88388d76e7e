import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { digestOf } from "../digest.ts";
import { parseImageConfig, parseUnpackConfig } from "./image-config.ts";
import { assertReadsAnything } from "./testing/hostile-json.ts";

const config = {
  created: "2024-02-29T23:59:59.123456789+01:00",
  author: "somebody",
  architecture: "arm64",
  variant: "v8",
  os: "linux",
  "os.version": "1",
  "os.features": ["a"],
  config: {
    User: "1000:1000",
    ExposedPorts: { "80/tcp": {} },
    Env: ["PATH=/bin", "EMPTY=", "ODD"],
    Entrypoint: ["/entry", ""],
    Cmd: ["a"],
    Volumes: { "/data": {} },
    WorkingDir: "/work",
    Labels: { "a b": "c" },
    StopSignal: "SIGTERM",
    Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 30_000_000_000, Retries: 3, StartInterval: 1 },
    OnBuild: ["RUN true"],
    ArgsEscaped: true,
  },
  rootfs: { type: "layers", diff_ids: [digestOf("layer")] },
  history: [
    { created: "0001-01-01T00:00:00Z", created_by: "ADD file", comment: "c", author: "a", empty_layer: true },
  ],
  docker_version: "27.0",
  container_config: { Hostname: "x" },
};
/** Fields that are not known here stay as they are. */
const { OnBuild: _, ArgsEscaped: __, ...known } = config.config;
const nulls = Object.fromEntries(Object.keys(known).map((name) => [name, null]));
const least = { os: "", architecture: "", rootfs: { type: "layers", diff_ids: [] } };

const parse = (document: unknown): unknown => parseImageConfig("it", Buffer.from(JSON.stringify(document)));

describe("parseImageConfig", () => {
  it("gives what is written, unknown fields too", () => {
    assert.deepEqual(parse(config), config);
  });

  for (const [name, document, expected] of [
    ["an empty object", {}, least],
    ["no config", { config: null }, least],
    ["no root file system", { rootfs: null, history: null }, least],
    ["no diff ids", { rootfs: { type: "layers", diff_ids: null } }, least],
    ["an empty config", { config: {} }, { ...least, config: {} }],
    [
      "null in each field",
      {
        config: nulls,
        created: null,
        author: null,
        os: null,
        "os.features": null,
      },
      { ...least, config: {} },
    ],
    [
      "null in a set",
      { config: { Volumes: { "/a": null } } },
      { ...least, config: { Volumes: { "/a": {} } } },
    ],
    ["null in a list", { config: { Env: ["A=1", null] } }, { ...least, config: { Env: ["A=1", ""] } }],
    ["a label of null", { config: { Labels: { a: null } } }, { ...least, config: { Labels: { a: "" } } }],
    [
      "an entry point of one text, as Docker's first format had it",
      { config: { Entrypoint: "/init", Cmd: "" } },
      { ...least, config: { Entrypoint: ["/init"], Cmd: [""] } },
    ],
    ["names in another case", { config: { env: ["A=1"] } }, { ...least, config: { Env: ["A=1"] } }],
    ["history without fields", { history: [{}, null] }, { ...least, history: [{}, {}] }],
  ] as const) {
    it(`takes ${name}`, () => {
      assert.deepEqual(parse(document), expected);
    });
  }

  for (const [why, document] of [
    [
      '"rootfs.diff_ids[0]" is "sha256:x": invalid checksum digest length',
      { rootfs: { diff_ids: ["sha256:x"] } },
    ],
    ['"rootfs.diff_ids" is "sha256:x", not a list', { rootfs: { diff_ids: "sha256:x" } }],
    ['"rootfs" is a list, not an object', { rootfs: [] }],
    ['"config" is "", not an object', { config: "" }],
    ['"config.Env" is an object, not a list', { config: { Env: { A: "1" } } }],
    ['"config.Env[0]" is 1, not text', { config: { Env: [1] } }],
    ['"config.Cmd[1]" is a list, not text', { config: { Cmd: ["a", []] } }],
    ['"config.User" is 1000, not text', { config: { User: 1000 } }],
    ['"config.Labels" is a list, not an object', { config: { Labels: ["a=b"] } }],
    ['"config.Labels.a" is true, not text', { config: { Labels: { a: true } } }],
    ['"config.Volumes" is a list, not an object', { config: { Volumes: ["/a"] } }],
    ['"config.Volumes./a" is true, not an object', { config: { Volumes: { "/a": true } } }],
    ['"config.ExposedPorts.80/tcp" is "", not an object', { config: { ExposedPorts: { "80/tcp": "" } } }],
    ['"config.Healthcheck.Test" is "true", not a list', { config: { Healthcheck: { Test: "true" } } }],
    [
      '"config.Healthcheck.Interval" is "30s", not a whole number',
      { config: { Healthcheck: { Interval: "30s" } } },
    ],
    [
      '"config.Healthcheck.Retries" is -1, not 0 to 9007199254740991',
      { config: { Healthcheck: { Retries: -1 } } },
    ],
    ['"created" is "yesterday", not a time as RFC 3339 has it', { created: "yesterday" }],
    ['"created" is "", not a time as RFC 3339 has it', { created: "" }],
    ['"created" is "2024-01-01 00:00:00", not a time as RFC 3339 has it', { created: "2024-01-01 00:00:00" }],
    [
      '"created" is "2023-02-29T00:00:00Z", not a time as RFC 3339 has it',
      { created: "2023-02-29T00:00:00Z" },
    ],
    ['"created" is 1700000000, not text', { created: 1_700_000_000 }],
    ['"history" is an object, not a list', { history: {} }],
    ['"history[0].empty_layer" is "true", not true or false', { history: [{ empty_layer: "true" }] }],
    ['"os" is a list, not text', { os: ["linux"] }],
  ] as const) {
    it(`refuses it: ${why}`, () => {
      assert.throws(
        () => parse(document),
        (error) => error instanceof Fault && error.message === `Cannot read it: ${why}`,
      );
    });
  }

  it("reads anything as a configuration or refuses it in a sentence", () => {
    assertReadsAnything(
      "it",
      [config, {}],
      (bytes) => parseImageConfig("it", bytes),
      (value) => assert.equal(JSON.stringify(parse(value)), JSON.stringify(value)),
    );
  });
});

describe("parseUnpackConfig", () => {
  const read = (document: unknown): unknown => parseUnpackConfig("it", Buffer.from(JSON.stringify(document)));

  it("does not mind what else is wrong", () => {
    const odd = { ...config, created: "yesterday", history: {}, config: { Env: 1 } };
    assert.deepEqual(read(odd), odd);
  });

  it("reads anything or refuses it in a sentence", () => {
    assertReadsAnything("it", [config, {}], (bytes) => parseUnpackConfig("it", bytes));
  });
});
