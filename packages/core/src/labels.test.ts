import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateLabels } from "./labels.ts";

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
