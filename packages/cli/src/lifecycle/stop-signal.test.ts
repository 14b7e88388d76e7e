import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stopSignalLabel, stopSignalOf } from "./stop-signal.ts";

describe("stopSignalOf", () => {
  it("reads the label, and takes SIGTERM for an empty or unknown signal", () => {
    assert.equal(stopSignalOf({ [stopSignalLabel]: "SIGQUIT" }), 3);
    for (const text of ["", "SIGNOSUCH", "true"]) assert.equal(stopSignalOf({ [stopSignalLabel]: text }), 15);
    assert.equal(stopSignalOf({}), 15);
  });
});
