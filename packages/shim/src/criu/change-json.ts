/** Node has this of a proposal that TypeScript does not know: https://github.com/tc39/proposal-json-parse-with-source */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const json = JSON as unknown as JsonWithSource;

/** JSON with another value, whose numbers stay as they are written: 64 bits are more than JavaScript's numbers have. */
export function changeJson<T extends object>(text: string, change: (value: T) => T): string {
  const value = json.parse(text, (_key, part, { source }) =>
    typeof part === "number" ? json.rawJSON(source) : part,
  );
  return JSON.stringify(change(value as T));
}
