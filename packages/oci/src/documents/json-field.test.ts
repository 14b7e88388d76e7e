import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault, hasCode } from "@slipway/fault/fault";
import { type JsonField, parseJson } from "./json-field.ts";
import { assertReadsAnything } from "./testing/hostile-json.ts";

const parse = (text: string | Uint8Array): JsonField => parseJson('manifest of "app:1"', text);

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return error.message;
  }
  return assert.fail("nothing was thrown");
}

describe("parseJson", () => {
  for (const [text, why] of [
    ["", "it is empty"],
    [" \n", "it is empty"],
    ["<html>oops</html>", 'it is not JSON: it begins with "<html>oops</html>"'],
    ["\ufeff{}", 'it is not JSON: it begins with "\\ufeff{}"'],
    ['{"layers":', "it is not JSON: it ends too early"],
    ['{"layers": "abc', "it is not JSON: it ends too early"],
    ['{"layers": [}', 'it is not JSON: "}" is out of place in it'],
    ["{} {}", 'it is not JSON: its character 4 is out of place: "{}"'],
    ["{'a': 1}", `it is not JSON: its character 2 is out of place: "'a': 1}"`],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} in words`, () => {
      assert.equal(
        messageOf(() => parse(text)),
        `Cannot read manifest of "app:1": ${why}`,
      );
    });
  }

  it("refuses what is too large before it is parsed", () => {
    const read = (): unknown => parseJson("answer", "[".repeat(101), { maxBytes: 100 });
    assert.equal(messageOf(read), "Cannot read answer: it has 101 bytes, more than 100");
    assert.throws(read, (error) => hasCode(error, "resource_exhausted"));
  });

  it("throws faults with the code that the caller chose", () => {
    const field = parseJson("record", "{}", { code: "data_loss" });
    assert.throws(
      () => field.get("pid").required(),
      (error) => hasCode(error, "data_loss"),
    );
  });

  it("reads invalid UTF-8 and lone surrogates as U+FFFD, as Go does", () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('\\ud800"}')]);
    assert.equal(parse(bytes).get("a").text(), "\ufffd\ufffd");
  });
});

describe("JsonField", () => {
  it("finds a member whatever its case, and the last of several", () => {
    assert.equal(parse('{"Layers": 1}').get("layers").integer(), 1);
    assert.equal(parse('{"layers": 1, "LAYERS": 2}').get("layers").integer(), 2);
    assert.equal(parse('{"a": 1, "a": 2}').get("a").integer(), 2);
    assert.equal(parse('{"token\u017f": 1}').get("tokens").integer(), 1);
    assert.equal(parse('{"\u212aey": 1}').get("key").integer(), 1);
  });

  it("takes null for missing", () => {
    const field = parse('{"a": null}');
    for (const name of ["a", "b"]) {
      const member = field.get(name);
      assert.equal(member.isMissing, true);
      assert.deepEqual(
        [member.text(), member.boolean(), member.integer(), member.number(), member.list(Number)],
        [undefined, undefined, undefined, undefined, []],
      );
      assert.deepEqual(
        [member.record(Number), member.others([]), member.get("c").text()],
        [{}, {}, undefined],
      );
    }
    assert.deepEqual([field.has("a"), field.has("b")], [true, false]);
  });

  it("takes null in lists and maps of texts for an empty text", () => {
    assert.deepEqual(parse('{"Env": ["A=1", null]}').get("Env").texts(), ["A=1", ""]);
    assert.deepEqual(parse('{"Labels": {"a": null}}').get("Labels").textRecord(), { a: "" });
  });

  for (const [text, read, why] of [
    ['{"a": 12}', (a) => a.text(), '"a" is 12, not text'],
    ['{"a": "true"}', (a) => a.boolean(), '"a" is "true", not true or false'],
    ['{"a": "12"}', (a) => a.integer(), '"a" is "12", not a whole number'],
    ['{"a": 1.5}', (a) => a.integer(), '"a" is 1.5, not a whole number'],
    ['{"a": -5}', (a) => a.integer({ min: 0 }), '"a" is -5, not 0 to 9007199254740991'],
    ['{"a": 1e999}', (a) => a.number(), '"a" is Infinity, not a number'],
    ['{"a": {}}', (a) => a.list(String), '"a" is an object, not a list'],
    ['{"a": []}', (a) => a.get("b"), '"a" is a list, not an object'],
    ['{"a": "x"}', (a) => a.record(String), '"a" is "x", not an object'],
    ['{"a": ["x", 7]}', (a) => a.texts(), '"a[1]" is 7, not text'],
    [
      '{"a": {"b": [{"c d": 7}]}}',
      (a) => a.get("b").list((b) => b.textRecord()),
      '"a.b[0]["c d"]" is 7, not text',
    ],
    ['{"a": null}', (a) => a.required(), '"a" is null'],
    ["{}", (a) => a.required(), '"a" is missing'],
  ] as const satisfies readonly [string, (a: JsonField) => unknown, string][]) {
    it(`names the field: ${why}`, () => {
      assert.equal(
        messageOf(() => read(parse(text).get("a"))),
        `Cannot read manifest of "app:1": ${why}`,
      );
    });
  }

  it("says so when the document itself is of another type", () => {
    assert.equal(
      messageOf(() => parse("[]").get("a")),
      'Cannot read manifest of "app:1": it is a list, not an object',
    );
  });

  it("shows long and hostile values shortened, without control characters", () => {
    const long = messageOf(() =>
      parse(JSON.stringify({ a: `\u0007${"x".repeat(9999)}` }))
        .get("a")
        .integer(),
    );
    assert.equal(
      long,
      `Cannot read manifest of "app:1": "a" is "\\u0007${"x".repeat(59)}…", not a whole number`,
    );
    const name = messageOf(() => parse(JSON.stringify({ ["n".repeat(9999)]: 1 })).textRecord());
    assert.ok(name.length < 200, name);
  });

  it("escapes a terminal's control characters that JSON does not", () => {
    const field = parse('{"a": "\u007f\u009b31m"}').get("a");
    assert.equal(
      messageOf(() => field.integer())
        .split(": ")
        .at(-1),
      '"a" is "\\u007f\\u009b31m", not a whole number',
    );
    assert.equal(
      field.unexpected("a size").message.split(": ").at(-1),
      '"a" is "\\u007f\\u009b31m", not a size',
    );
  });

  it("hands out unknown members as they are, and no known one in another case", () => {
    const found = parse('{"Size": 1, "data": "aGk=", "__proto__": {"x": 1}}').others(["size"]);
    assert.deepEqual(Object.keys(found), ["data", "__proto__"]);
    assert.equal(Object.getPrototypeOf(found), Object.prototype);
  });

  it("refuses unknown members that nest too deep to be written again", () => {
    const deep = `{"a": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    assert.match(
      messageOf(() => parse(deep).others([])),
      /: "a" nests over 1000 deep$/,
    );
  });

  it("reads anything as a value or refuses it in a sentence", () => {
    assertReadsAnything(
      'manifest of "app:1"',
      [{ list: [{ name: "x", size: 1 }], map: { a: "b" } }],
      (bytes) => {
        const field = parse(bytes);
        const items = field.get("list").list((item) => [item.get("name").text(), item.get("size").integer()]);
        return { items, map: field.get("map").textRecord(), others: field.others(["list", "map"]) };
      },
    );
  });
});
