import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { parseDockerArchive, parseLayoutVersion } from "./archive.ts";
import { assertReadsAnything } from "./testing/hostile-json.ts";

const image = { Config: "abc.json", RepoTags: ["busybox:latest"], Layers: ["a/layer.tar", "b/layer.tar"] };

describe("parseDockerArchive", () => {
  const parse = (document: unknown): unknown => parseDockerArchive(Buffer.from(JSON.stringify(document)));

  it("gives what docker save wrote, and empty lists for null", () => {
    assert.deepEqual(parse([image, { ...image, Parent: "x", LayerSources: {} }]), [image, image]);
    assert.deepEqual(parse([{ Config: "c", RepoTags: null, Layers: null }]), [
      { Config: "c", RepoTags: [], Layers: [] },
    ]);
    assert.deepEqual(parse([]), []);
  });

  for (const [why, document] of [
    ["it is null", null],
    ["it is an object, not a list", image],
    ['"[0].Config" is missing', [{}]],
    ['"[0].RepoTags" is "a:1", not a list', [{ ...image, RepoTags: "a:1" }]],
    ['"[1].Layers[0]" is an object, not text', [image, { ...image, Layers: [{}] }]],
    ['"[0]" is "abc.json", not an object', ["abc.json"]],
  ] as const) {
    it(`refuses it: ${why}`, () => {
      assert.throws(
        () => parse(document),
        (error) => error instanceof Fault && error.message === `Cannot read "manifest.json": ${why}`,
      );
    });
  }

  it("reads anything or refuses it in a sentence", () => {
    assertReadsAnything('"manifest.json"', [[image], []], parseDockerArchive);
  });
});

describe("parseLayoutVersion", () => {
  it("gives the version, and undefined if there is none", () => {
    const parse = (document: unknown): unknown => parseLayoutVersion(Buffer.from(JSON.stringify(document)));
    assert.equal(parse({ imageLayoutVersion: "1.0.0" }), "1.0.0");
    for (const none of [{}, { imageLayoutVersion: null }, { imageLayoutVersion: "" }]) {
      assert.equal(parse(none), undefined);
    }
  });

  it("reads anything or refuses it in a sentence", () => {
    assertReadsAnything('"oci-layout"', [{ imageLayoutVersion: "1.0.0" }], parseLayoutVersion);
  });
});
