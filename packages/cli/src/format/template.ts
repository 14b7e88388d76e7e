import { Fault } from "@slipway/fault/fault";
import { fill } from "./template/fill.ts";
import { functions, type TemplateFunction } from "./template/functions.ts";
import { type Node, type Operand, parse, type Pipeline } from "./template/parse.ts";

/** What a template makes of a value's fields. */
export type Template = (fields: unknown) => string;

/**
 * A template of `--format`, in Go's language. `\t` and `\n` are a tab and a line's end also outside of its texts.
 * @throws {Fault} `invalid_argument` for what it cannot be, naming it
 */
export function parseTemplate(source: string): Template {
  return withFunctions(source, functions);
}

/** The same for a table's headings, which no function changes. */
export function parseHeadings(source: string): Template {
  const same: TemplateFunction = (...values) => values.at(-1);
  return withFunctions(source, Object.fromEntries(Object.keys(functions).map((name) => [name, same])));
}

function withFunctions(source: string, known: Readonly<Record<string, TemplateFunction>>): Template {
  const nodes = parse(unescaped(source));
  for (const name of functionsIn(nodes)) {
    if (!(name in known))
      throw new Fault("invalid_argument", `Cannot parse template: there is no function "${name}"`);
  }
  return (fields) => fill(nodes, fields, known);
}

/** Not inside of actions, where texts have escapes of their own. */
function unescaped(source: string): string {
  return source
    .split(/(\{\{.*?\}\})/s)
    .map((part) =>
      part.startsWith("{{") ? part : part.replaceAll(String.raw`\t`, "\t").replaceAll(String.raw`\n`, "\n"),
    )
    .join("");
}

function functionsIn(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === "text") return [];
    const own = functionsOf(node.pipeline);
    return node.kind === "show" ? own : [...own, ...functionsIn(node.body), ...functionsIn(node.otherwise)];
  });
}

function functionsOf({ commands }: Pipeline): string[] {
  const nameOf = (operand: Operand): string[] =>
    operand.kind === "function"
      ? [operand.name]
      : operand.kind === "inner"
        ? functionsOf(operand.pipeline)
        : [];
  return commands.flatMap((command) => command.flatMap(nameOf));
}
