import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connect } from "./connect.ts";

describe("connect", () => {
  it("refuses what is no address, and a port that cannot be", () => {
    for (const address of ["", "run.sock", "tcp://host", "tcp://host:", "tcp://host:-1", "http://host:80"]) {
      assert.throws(() => connect({ address }), /Cannot connect to ".*": neither a socket's path nor tcp/);
    }
    for (const address of ["tcp://host:0", "tcp://host:65536", "tcp://host:99999999999999999999"]) {
      assert.throws(() => connect({ address }), {
        code: "invalid_argument",
        message: new RegExp(`^Cannot read address "${address}" with port "\\d+": it is out of range`),
      });
    }
  });
});
