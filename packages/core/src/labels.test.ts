import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  fitsLabel,
  isReservedLabel,
  type Labels,
  labelsFromImage,
  validateLabels,
  withListItem,
} from "./labels.ts";

describe("labelsFromImage", () => {
  it("leaves out what programs act upon", () => {
    for (const name of [
      "slipway/auto-remove",
      "slipway/scratch",
      "containerd.io/restart.status",
      "containerd.io/gc.root",
      "io.containerd.runc.v2.group",
      "io.cri-containerd.kind",
      "io.kubernetes.cri.sandbox-id",
      "nerdctl/name",
      "nerdctl/state-dir",
    ]) {
      assert.equal(isReservedLabel(name), true, name);
      assert.deepEqual(labelsFromImage({ [name]: "true", other: "1" }), { other: "1" });
    }
  });

  it("takes all others, such as those whose names begin alike", () => {
    const labels = { "containerd.iot": "1", slipway: "2", "nerdctlx/a": "3", __proto: "5" };
    assert.deepEqual(labelsFromImage(labels), labels);
  });

  it("leaves out what is longer than a label may be, to the byte", () => {
    const fits = "x".repeat(4096 - "bom".length);
    assert.deepEqual(labelsFromImage({ bom: fits }), { bom: fits });
    assert.deepEqual(labelsFromImage({ bom: `${fits}x`, short: "1" }), { short: "1" });
    assert.deepEqual(labelsFromImage({ ["é".repeat(2049)]: "", "": "no name" }), {});
  });
});

describe("withListItem", () => {
  const key = "containerd.io/distribution.source.registry.example";

  it("adds an item once, in order", () => {
    assert.deepEqual(withListItem({}, key, "b"), { [key]: "b" });
    assert.deepEqual(withListItem({ [key]: "a,c" }, key, "b"), { [key]: "a,b,c" });
    assert.deepEqual(withListItem({ [key]: ",a,b,a" }, key, "b"), { [key]: "a,b" });
  });

  it("keeps the new item when all together are too long, and as many of the others as fit", () => {
    let labels: Labels = {};
    for (let index = 0; index < 60; index += 1) {
      const item = `a${index}/${"q".repeat(180)}`;
      labels = withListItem(labels, key, item);
      assert.ok(labels[key]?.split(",").includes(item));
      validateLabels(labels);
    }
    assert.equal(labels[key]?.split(",").length, 10);
  });

  it("gives no label for an item that is too long alone", () => {
    assert.deepEqual(withListItem({ [key]: "a" }, key, "x".repeat(5000)), {});
  });

  it("never gives a label that is refused", () => {
    const item = fc.string({ maxLength: 3000 });
    fc.assert(
      fc.property(fc.array(item), item, (before, added) => {
        const found = withListItem({ [key]: before.join(",") }, key, added);
        assert.ok(Object.entries(found).every((label) => fitsLabel(...label)));
        if (added.length < 1000) assert.ok(Buffer.byteLength(found[key] ?? "") <= 2048);
      }),
    );
  });
});

describe("validateLabels", () => {
  it("takes keys and values of up to 4,096 bytes together, and empty values", () => {
    validateLabels({ a: "x".repeat(4095), b: "" });
    assert.throws(() => validateLabels({ a: "é".repeat(2048) }), {
      code: "invalid_argument",
      message: /length \(4097 bytes\) greater than maximum size/,
    });
  });

  it("refuses a label without a key", () => {
    assert.throws(() => validateLabels({ "": "x" }), {
      code: "invalid_argument",
      message: 'failed to set label ""="x": key required: invalid argument',
    });
  });
});
