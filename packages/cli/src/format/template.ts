import { Fault } from "@slipway/fault/fault";

type Fields = Readonly<Record<string, unknown>>;

const functions: Readonly<Record<string, (value: unknown) => string>> = {
  json: (value) => JSON.stringify(value),
  lower: (value) => show(value).toLowerCase(),
  upper: (value) => show(value).toUpperCase(),
  title: (value) => show(value).replace(/^./, (first) => first.toUpperCase()),
  println: (value) => `${show(value)}\n`,
};

/**
 * The part of Go's templates that people use with `--format`: `{{.Field}}`, `{{.A.B}}`, `{{json .}}`, `{{json .Field}}`,
 * `{{upper .Field}}`, and `\t`, `\n`.
 * @throws {Fault} `invalid_argument` for anything else, naming it
 */
export function parseTemplate(source: string): (fields: Fields) => string {
  const text = source.replaceAll(String.raw`\t`, "\t").replaceAll(String.raw`\n`, "\n");
  const parts = text
    .split(/\{\{(.*?)\}\}/s)
    .map((part, index) => (index % 2 === 0 ? () => part : action(part.trim())));
  return (fields) => parts.map((part) => part(fields)).join("");
}

/** The names of the fields that a template shows, for a heading. */
export function templateFields(source: string): string[] {
  return [...source.matchAll(/\{\{[^}]*?\.(\w+)[^}]*?\}\}/g)].map((match) => match[1] ?? "");
}

function action(body: string): (fields: Fields) => string {
  const match = /^(?:(\w+)\s+)?\.([\w.]*)$/.exec(body);
  const [, name, path = ""] = match ?? [];
  const apply = name === undefined ? show : functions[name];
  if (!match || !apply)
    throw new Fault("invalid_argument", `Cannot parse template: "{{${body}}}" is not known`);
  return (fields) => apply(lookUp(fields, path));
}

function lookUp(fields: Fields, path: string): unknown {
  let value: unknown = fields;
  for (const key of path.split(".").filter(Boolean)) {
    const object: Fields = typeof value === "object" && value !== null ? (value as Fields) : {};
    if (!(key in object))
      throw new Fault("invalid_argument", `Cannot fill template: there is no field "${key}"`);
    value = object[key];
  }
  return value;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  return typeof value === "string" ? value : JSON.stringify(value);
}
