import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { digestOf } from "../digest.ts";
import { parseIndex, parseManifest } from "./manifest.ts";
import { assertReadsAnything } from "./testing/hostile-json.ts";

const layer = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: digestOf("layer"),
  size: 32654,
};
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf("config"), size: 7 };
const manifest = {
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactType: "application/vnd.example.thing",
  config: { ...config, annotations: { a: "b" }, data: "e30=" },
  layers: [layer, { ...layer, urls: ["https://example.com/layer"] }],
  subject: { ...config, artifactType: "text/plain" },
  annotations: { "org.opencontainers.image.created": "2024-01-01T00:00:00Z" },
};
const entry = {
  mediaType: manifest.mediaType,
  digest: digestOf("manifest"),
  size: 528,
  platform: {
    architecture: "arm64",
    os: "windows",
    variant: "v8",
    "os.version": "10.0.20348",
    "os.features": ["win32k"],
    features: ["sse4"],
  },
};
const index = { schemaVersion: 2, manifests: [entry, { ...entry, platform: null }], annotations: { a: "b" } };

function refusal(read: (document: string, bytes: Uint8Array) => unknown, document: unknown): string {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  try {
    read("it", Buffer.from(text));
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return error.message.replace("Cannot read it: ", "");
  }
  return assert.fail(`accepted ${text}`);
}

describe("parseManifest", () => {
  const parse = (document: unknown): unknown => parseManifest("it", Buffer.from(JSON.stringify(document)));

  it("gives what is written, unknown fields too", () => {
    const extended = { ...manifest, "com.example": { a: [null, 1] } };
    assert.deepEqual(parse(extended), extended);
  });

  it("takes null and missing fields for empty ones", () => {
    const least = { schemaVersion: 2, config, layers: [] };
    assert.deepEqual(parse({ ...least, layers: null }), least);
    assert.deepEqual(parse({ config }), least);
    assert.deepEqual(parse({ ...least, annotations: null, subject: null, mediaType: null }), least);
    assert.deepEqual(parse({ Config: config, LAYERS: [layer] }), { ...least, layers: [layer] });
    assert.deepEqual(parse({ config: { digest: config.digest } }), {
      ...least,
      config: { mediaType: "", digest: config.digest, size: 0 },
    });
  });

  // By public reports of what registries and builders made.
  for (const [why, document] of [
    ['"config" is missing', { schemaVersion: 2, layers: [] }],
    ['"config" is null', { config: null, layers: [] }],
    ['"config.digest" is missing', { config: {} }],
    ['"config.digest" is "": invalid checksum digest format', { config: { digest: "" } }],
    ['"config.digest" is "sha256:abc": invalid checksum digest length', { config: { digest: "sha256:abc" } }],
    ['"config.digest" is "md5:abc": unsupported digest algorithm', { config: { digest: "md5:abc" } }],
    ['"config" is "sha256", not an object', { config: "sha256" }],
    ['"layers" is an object, not a list', { config, layers: {} }],
    ['"layers[1]" is null', { config, layers: [layer, null] }],
    ['"layers[0].digest" is missing', { config, layers: [{ mediaType: "x", size: 1 }] }],
    ['"layers[0].size" is "12", not a whole number', { config, layers: [{ ...layer, size: "12" }] }],
    ['"layers[0].size" is -5, not 0 to 9007199254740991', { config, layers: [{ ...layer, size: -5 }] }],
    ['"layers[0].size" is 1.5, not a whole number', { config, layers: [{ ...layer, size: 1.5 }] }],
    ['"layers[0].annotations.a" is 1, not text', { config, layers: [{ ...layer, annotations: { a: 1 } }] }],
    ['"layers[0].urls" is "https://x", not a list', { config, layers: [{ ...layer, urls: "https://x" }] }],
    ['"artifactType" is an object, not text', { config, artifactType: {} }],
    ['"subject.digest" is missing', { config, subject: {} }],
    ['"annotations" is a list, not an object', { config, annotations: [] }],
    ['"schemaVersion" is "2", not a whole number', { schemaVersion: "2", config }],
    ["it is a manifest of schema 1, which is not supported", { schemaVersion: 1, fsLayers: [], history: [] }],
    ["it is an index, not a manifest", index],
    ["it is an index, not a manifest", { ...manifest, manifests: null }],
    ["it is an index, not a manifest", { config, mediaType: "application/vnd.oci.image.index.v1+json" }],
    ["it is a list, not an object", []],
    ["it is empty", ""],
    ['it is not JSON: it begins with "<!DOCTYPE html>"', "<!DOCTYPE html>"],
  ] as const) {
    it(`refuses it: ${why}`, () => {
      assert.equal(refusal(parseManifest, document), why);
    });
  }

  it("reads anything as a manifest or refuses it in a sentence", () => {
    assertReadsAnything(
      "it",
      [manifest, { config, layers: null }],
      (bytes) => parseManifest("it", bytes),
      (value) => assert.equal(JSON.stringify(parse(value)), JSON.stringify(value)),
    );
  });
});

describe("parseIndex", () => {
  const parse = (document: unknown): unknown => parseIndex("it", Buffer.from(JSON.stringify(document)));

  it("gives what is written, unknown fields too", () => {
    const { platform: _, ...unspecific } = entry;
    assert.deepEqual(parse(index), { ...index, manifests: [entry, unspecific] });
  });

  it("takes null and missing fields for empty ones", () => {
    assert.deepEqual(parse({ manifests: null }), { schemaVersion: 2, manifests: [] });
    assert.deepEqual(parse({}), { schemaVersion: 2, manifests: [] });
    const { platform: _, ...unspecific } = entry;
    const platform = { os: "linux", variant: null };
    assert.deepEqual(parse({ manifests: [{ ...unspecific, platform }] }), {
      schemaVersion: 2,
      manifests: [{ ...unspecific, platform: { os: "linux", architecture: "" } }],
    });
  });

  for (const [why, document] of [
    ['"manifests" is an object, not a list', { manifests: { [entry.digest]: entry } }],
    ['"manifests[0]" is null', { manifests: [null] }],
    [
      '"manifests[0].platform" is "linux/amd64", not an object',
      { manifests: [{ ...entry, platform: "linux/amd64" }] },
    ],
    ['"manifests[0].platform.os" is 7, not text', { manifests: [{ ...entry, platform: { os: 7 } }] }],
    [
      '"manifests[0].platform.os.features" is "a", not a list',
      { manifests: [{ ...entry, platform: { "os.features": "a" } }] },
    ],
    ["it is a manifest, not an index", manifest],
    ["it is a manifest, not an index", { ...index, layers: null }],
    ["it is a manifest, not an index", { mediaType: manifest.mediaType }],
    ["it is a manifest of schema 1, which is not supported", { fsLayers: null }],
  ] as const) {
    it(`refuses it: ${why}`, () => {
      assert.equal(refusal(parseIndex, document), why);
    });
  }

  it("reads anything as an index or refuses it in a sentence", () => {
    assertReadsAnything(
      "it",
      [index, { manifests: null }],
      (bytes) => parseIndex("it", bytes),
      (value) => assert.equal(JSON.stringify(parse(value)), JSON.stringify(value)),
    );
  });
});
