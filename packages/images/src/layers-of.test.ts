import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { isLayer, mediaTypes } from "@slipway/oci/media-types";
import { layersOf, placesOf } from "./layers-of.ts";

const blob = (mediaType: string): Descriptor => ({ mediaType, digest: digestOf(mediaType), size: 1 });
const [sbom, lower, upper, attestation] = [
  blob("application/vnd.example.sbom+json"),
  blob(mediaTypes.ociLayerGzip),
  blob(mediaTypes.dockerLayer),
  blob("application/vnd.in-toto+json"),
];

describe("layersOf", () => {
  it("gives the layers that are file systems, wherever others are between them", () => {
    assert.deepEqual(layersOf({ layers: [sbom, lower, attestation, upper] }), [lower, upper]);
    assert.deepEqual(layersOf({ layers: [sbom] }), []);
  });
});

describe("placesOf", () => {
  it("gives each layer the place of its diff id, and others none", () => {
    assert.deepEqual(placesOf({ layers: [sbom, lower, attestation, upper] }), [
      { blob: sbom },
      { blob: lower, place: 0 },
      { blob: attestation },
      { blob: upper, place: 1 },
    ]);
  });
});

describe("isLayer", () => {
  // The cases of containerd's core/images/mediatypes.go.
  for (const [mediaType, expected] of [
    ["application/vnd.oci.image.layer.v1.tar+gzip+encrypted", true],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar", true],
    ["application/vnd.oci.image.layer.v2.anything", true],
    ["application/vnd.docker.image.rootfs.diff.tar.gzip+enc", true],
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true],
    ["application/vnd.erofs.layer.v1", true],
    ["application/vnd.docker.image.rootfs.other", false],
    ["application/vnd.docker.image.rootfs.diff.tar.gz", false],
    ["application/vnd.docker.plugin.v1+json", false],
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", false],
    ["application/vnd.wasm.content.layer.v1+wasm", false],
    ["", false],
  ] as const) {
    it(`is ${expected} for "${mediaType}"`, () => {
      assert.equal(isLayer(mediaType), expected);
    });
  }
});
