import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rlimitsOf } from "./ulimits.ts";

const infinity = 0xffff_ffff_ffff_ffffn;

describe("rlimitsOf", () => {
  it("reads one value, two, and -1 for no limit", () => {
    assert.deepEqual(rlimitsOf(["nofile=10:20", "core=-1", "nproc=5:-1", "cpu=0"], 1000n), [
      { type: "RLIMIT_NOFILE", soft: 10n, hard: 20n },
      { type: "RLIMIT_CORE", soft: infinity, hard: infinity },
      { type: "RLIMIT_NPROC", soft: 5n, hard: infinity },
      { type: "RLIMIT_CPU", soft: 0n, hard: 0n },
    ]);
  });

  it("uses the last of several with one name", () => {
    assert.deepEqual(rlimitsOf(["nofile=10", "nproc=1", "nofile=30"], 1000n), [
      { type: "RLIMIT_NOFILE", soft: 30n, hard: 30n },
      { type: "RLIMIT_NPROC", soft: 1n, hard: 1n },
    ]);
  });

  it("refuses what is no limit, in a sentence that names it", () => {
    const wrong = {
      nofile: /not NAME=SOFT/,
      "": /not NAME=SOFT/,
      "=5": /no limit ""/,
      "nosuch=1": /no limit "nosuch"/,
      "NOFILE=1": /no limit "NOFILE"/,
      "nofile=": /"" is neither/,
      "nofile=5:": /"" is neither/,
      "nofile=:5": /"" is neither/,
      "nofile=a": /"a" is neither/,
      "nofile=1k": /"1k" is neither/,
      "nofile=1.5": /"1.5" is neither/,
      "nofile=1:2:3": /"2:3" is neither/,
      "nofile=-2": /"-2" is neither/,
      "core=9223372036854775808": /neither a number/,
      "core=99999999999999999999": /neither a number/,
      "nofile=10:5": /above the hard/,
      "nofile=-1:5": /above the hard/,
      "nofile=1001": /1000 open files at most/,
      "nofile=-1": /1000 open files at most/,
    };
    for (const [text, message] of Object.entries(wrong)) {
      assert.throws(() => rlimitsOf([text], 1000n), { code: "invalid_argument", message }, text);
    }
  });
});
