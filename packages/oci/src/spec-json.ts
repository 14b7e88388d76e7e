/*
 * A runtime spec has unsigned numbers of 64 bits, such as RLIM_INFINITY, which a JavaScript number rounds to one that no
 * reader in Go accepts. These two functions read integers beyond 2^53 as bigint and write bigint as digits.
 */

interface Source {
  readonly source: string;
}

// "JSON.parse source text access" of TC39, which TypeScript's library does not describe yet: Node 21 and later.
const json: { readonly parse: typeof JSON.parse; rawJSON?(text: string): object } = JSON;

/** @throws {SyntaxError} */
export function parseSpecJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return json.parse(text, (_, value: unknown, context?: Source) => {
    const isLarge = typeof value === "number" && !Number.isSafeInteger(value);
    return isLarge && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context?.source ?? "") : value;
  });
}

/** @param indent of each level, as text or as a number of spaces; without it, all is one line */
export function formatSpecJson(spec: object, indent?: number | string): string {
  const replace = (_: string, value: unknown): unknown => {
    if (typeof value !== "bigint") return value;
    const digits = value.toString();
    const number = Number(value);
    return Number.isSafeInteger(number) || !json.rawJSON ? number : json.rawJSON(digits);
  };
  return JSON.stringify(spec, replace, indent);
}
