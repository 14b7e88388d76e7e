import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Container } from "@slipway/core/containers";
import { decodeContainer, encodeContainer } from "./container-row.ts";

const at = new Date("2026-01-02T03:04:05.678Z");
const container: Container = {
  id: "c",
  labels: { line: "one\ntwo" },
  image: "busybox",
  runtime: { name: "io.containerd.runc.v2", options: { typeUrl: "options", value: new Uint8Array([10, 0]) } },
  spec: { typeUrl: "spec", value: new Uint8Array(Buffer.from('{"a":\n1}')) },
  snapshotter: "overlayfs",
  snapshotKey: "c",
  createdAt: at,
  updatedAt: at,
  extensions: {
    b: { typeUrl: "b", value: new Uint8Array() },
    2: { typeUrl: "2", value: new Uint8Array([255]) },
    1: { typeUrl: "1", value: new Uint8Array([10]) },
  },
  sandboxId: "",
};

describe("decodeContainer", () => {
  it("gives back what was encoded, and each of its parts its own bytes", () => {
    assert.deepEqual(decodeContainer(new Uint8Array(encodeContainer(container))), container);
  });

  it("gives back a container without options, spec and extensions", () => {
    const { spec: _, ...rest } = container;
    const bare = { ...rest, runtime: { name: "r" }, extensions: {} };
    assert.deepEqual(decodeContainer(new Uint8Array(encodeContainer(bare))), bare);
  });

  it("reads rows of the store's version 1", () => {
    const text = (value: Uint8Array): string => Buffer.from(value).toString("base64");
    const { runtime, spec, extensions } = container;
    const any = (from: { typeUrl: string; value: Uint8Array } | undefined): object | undefined =>
      from && { typeUrl: from.typeUrl, value: text(from.value) };
    const old = {
      ...container,
      runtime: { name: runtime.name, options: any(runtime.options) },
      spec: any(spec),
      extensions: Object.fromEntries(Object.entries(extensions).map(([name, from]) => [name, any(from)])),
    };
    assert.deepEqual(decodeContainer(Buffer.from(JSON.stringify(old))), container);
  });
});
