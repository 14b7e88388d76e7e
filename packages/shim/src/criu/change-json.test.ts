import assert from "node:assert/strict";
import { it } from "node:test";
import { changeJson } from "./change-json.ts";

it("changeJson keeps numbers that JavaScript has not", () => {
  const text =
    '{"limit":18446744073709551615,"list":[-9223372036854775808,1.50],"text":"18446744073709551615"}';
  assert.equal(
    changeJson<{ readonly [name: string]: unknown }>(text, (value) => ({ ...value, more: { a: 1 } })),
    `${text.slice(0, -1)},"more":{"a":1}}`,
  );
});
