import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { anyCount, integerIn, isInteger, readDecimal, readInteger } from "./read-number.ts";

const ids = { min: 0, max: 2 ** 31 - 1 };

describe("integerIn", () => {
  for (const [text, value] of [
    ["0", 0],
    ["00", 0],
    ["-0", 0],
    ["+5", 5],
    ["007", 7],
    ["2147483647", 2147483647],
  ] as const) {
    it(`reads "${text}"`, () => assert.ok(Object.is(integerIn(text, ids), value)));
  }
  const noNumbers = ["", " ", " 1", "1 ", "1\n", "1.0", "1e3", "0x0", "0b1", "1_000", "NaN", "١", "+", "--1"];
  const tooLarge = ["-1", "2147483648", "4294967296", "18446744073709551616", "9".repeat(400)];
  for (const text of [...noNumbers, ...tooLarge]) {
    it(`takes ${JSON.stringify(text)} for none`, () => assert.equal(integerIn(text, ids), undefined));
  }

  it("takes none that a JavaScript number would round", () => {
    const range = { min: 0, max: Infinity };
    assert.equal(integerIn("9007199254740991", range), Number.MAX_SAFE_INTEGER);
    assert.equal(integerIn("9007199254740993", range), undefined);
  });
});

describe("isInteger", () => {
  it("is true however large the number is", () => {
    for (const text of ["1", "-1", "+1", "18446744073709551616", "9".repeat(400)]) assert.ok(isInteger(text));
    for (const text of ["", "1e3", "0x0", " 0", "a", "1-2"]) assert.ok(!isInteger(text));
  });
});

describe("readInteger", () => {
  it("says what was read, and what it may be", () => {
    assert.throws(() => readInteger("uid", "-1", ids), {
      message: 'Cannot read uid "-1": it is out of range, which is 0 to 2147483647',
    });
    assert.throws(() => readInteger("--tail", "1e3", anyCount), {
      message: 'Cannot read --tail "1e3": it is not a whole number',
      code: "invalid_argument",
    });
  });
});

describe("readDecimal", () => {
  it("reads fractions, and refuses what is no plain number or out of range", () => {
    const range = { min: 0, max: 100 };
    assert.deepEqual(
      ["1.5", ".5", "2.", "7"].map((text) => readDecimal("--cpus", text, range)),
      [1.5, 0.5, 2, 7],
    );
    for (const text of ["", " ", "NaN", "Infinity", "1e1", "0x1", ".", "1,5", "two"]) {
      assert.throws(() => readDecimal("--cpus", text, range), /it is not a number/);
    }
    assert.throws(() => readDecimal("--cpus", "-1", range), /out of range, which is 0 to 100/);
  });
});
