import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { childLabels, sourceLabel } from "./child-labels.ts";
import { chooseManifest } from "./choose-manifest.ts";

const blob = (mediaType: string, text: string): Descriptor => ({
  mediaType,
  digest: digestOf(text),
  size: text.length,
});

describe("childLabels", () => {
  it("names config, layers, manifests and the rest as containerd's collector reads them", () => {
    const children = [
      blob(mediaTypes.ociConfig, "c"),
      blob(mediaTypes.ociLayerGzip, "a"),
      blob(mediaTypes.dockerLayerGzip, "b"),
      blob(mediaTypes.ociManifest, "m"),
      blob("application/x", "x"),
    ];
    assert.deepEqual(childLabels(children), {
      "containerd.io/gc.ref.content.config": digestOf("c"),
      "containerd.io/gc.ref.content.l.0": digestOf("a"),
      "containerd.io/gc.ref.content.l.1": digestOf("b"),
      "containerd.io/gc.ref.content.m.0": digestOf("m"),
      "containerd.io/gc.ref.content.0": digestOf("x"),
    });
  });
});

describe("sourceLabel", () => {
  it("adds a repository to those that are known, without the port", () => {
    const key = "containerd.io/distribution.source.registry.example";
    assert.deepEqual(sourceLabel("registry.example:5000", "b", { [key]: "a,c" }), { [key]: "a,b,c" });
  });
});

describe("chooseManifest", () => {
  const on = (architecture: string, variant?: string): Descriptor => ({
    ...blob(mediaTypes.ociManifest, `${architecture}${variant}`),
    platform: { os: "linux", architecture, ...(variant ? { variant } : {}) },
  });

  it("takes the nearest platform", () => {
    const [v5, v6, v7] = [on("arm", "v5"), on("arm", "v6"), on("arm", "v7")];
    const wanted = { os: "linux", architecture: "arm", variant: "v6" };
    assert.equal(chooseManifest([v7, v5, v6], wanted), v6);
    assert.equal(chooseManifest([v7, v5], wanted), v5);
  });

  it("takes one that names no CPU, or no platform, when nothing else fits", () => {
    const wanted = { os: "linux", architecture: "arm64" };
    const unnamed = { ...blob(mediaTypes.ociManifest, "unnamed"), platform: { os: "", architecture: "" } };
    const without = blob(mediaTypes.ociManifest, "without");
    const unknown = { ...on("unknown"), platform: { os: "unknown", architecture: "unknown" } };
    assert.equal(
      chooseManifest([unnamed, on("arm", "v5"), on("amd64")], wanted).platform?.architecture,
      "arm",
    );
    assert.equal(chooseManifest([unknown, on("amd64"), unnamed], wanted), unnamed);
    assert.equal(chooseManifest([unknown, on("amd64"), without], wanted), without);
    assert.throws(() => chooseManifest([unknown, on("amd64")], wanted), { code: "not_found" });
  });

  it("fails as containerd does when there is none", () => {
    assert.throws(
      () => chooseManifest([on("s390x")], { os: "linux", architecture: "amd64" }),
      (error) => hasCode(error, "not_found"),
    );
  });
});
