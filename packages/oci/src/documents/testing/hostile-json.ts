import assert from "node:assert/strict";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";

/** What a document may hold in the place of anything: other types, bounds, names with a meaning in JavaScript or Go. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    "",
    "null",
    "0",
    0,
    -1,
    1.5,
    1e300,
    2 ** 53,
    2 ** 63,
    [],
    {},
    [null],
    [[]],
    [{}],
    "\ud800",
    "\0",
    "../..",
    "a".repeat(5000),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom("__proto__", "constructor", "toString").map((name) => ({ [name]: { [name]: null } })),
);

/** A valid document with one to three of its values replaced, removed, or under a name of another case. */
function mutated(documents: readonly unknown[]): fc.Arbitrary<string> {
  const mutation = fc.record({
    at: fc.nat(),
    with: odd,
    how: fc.constantFrom("replace", "remove", "rename"),
  });
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([document, mutations]) => {
      const copy = { root: structuredClone(document) };
      for (const one of mutations) mutate(copy, one);
      return JSON.stringify(copy.root) ?? "";
    });
}

function mutate(root: object, { at, with: odd, how }: { at: number; with: unknown; how: string }): void {
  // A list that is put in twice, and then into itself, is no JSON.
  const value = structuredClone(odd);
  const places = placesIn(root);
  const place = places[at % places.length];
  if (!place) return;
  const { holder, name } = place;
  if (how === "replace" || Array.isArray(holder)) holder[name] = value;
  else {
    if (how === "rename") holder[name.toUpperCase()] = holder[name];
    delete holder[name];
  }
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [{ holder, name }, ...placesIn(holder[name])]);
}

/** A valid document with some of its bytes overwritten, or cut off. */
function damaged(documents: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(change, { maxLength: 4 }), fc.option(fc.nat()))
    .map(([document, changes, cut]) => {
      const bytes = Buffer.from(JSON.stringify(document));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
    });
}

/**
 * Checks of a strict reader that any bytes, any JSON, and each of some valid documents with any damage end in a value or in
 * a Fault whose sentence begins with the document's name; and that each valid document is read.
 *
 * @param read must call the document `name` in its messages
 * @param check of a value that was read, such as that it can be written and read again
 */
export function assertReadsAnything<T>(
  name: string,
  documents: readonly unknown[],
  read: (bytes: Uint8Array) => T,
  check: (value: T) => void = () => {},
): void {
  for (const document of documents) check(read(Buffer.from(JSON.stringify(document))));
  const holds = (bytes: Uint8Array): void => {
    let value: T;
    try {
      value = read(bytes);
    } catch (error) {
      assert.ok(error instanceof Fault, `another error than a Fault: ${String(error)}`);
      assert.ok(error.message.startsWith(`Cannot read ${name}: `), error.message);
      assert.doesNotMatch(
        error.message,
        /undefined|\[object |Unexpected token|is not a function|[\p{Cc}\p{Cf}]/u,
      );
      assert.ok(error.message.length < 700, error.message);
      return;
    }
    check(value);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), holds));
  fc.assert(
    fc.property(
      odd.map((value) => Buffer.from(JSON.stringify(value) ?? "")),
      holds,
    ),
  );
  fc.assert(
    fc.property(
      mutated(documents).map((text) => Buffer.from(text)),
      holds,
    ),
    { numRuns: 300 },
  );
  fc.assert(fc.property(damaged(documents), holds), { numRuns: 200 });
}
