import { Fault } from "@slipway/fault/fault";
import { type Token, tokensOf } from "./tokens.ts";

export type Operand =
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "inner"; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** Commands of which each is given what the one before it made; the result may get names. */
export interface Pipeline {
  readonly names: readonly string[];
  readonly commands: readonly (readonly Operand[])[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "show"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/**
 * Go's text/template as people use it with `--format`: fields, variables, pipelines, functions, `if`, `with` and `range`.
 * @throws {Fault} `invalid_argument` for what is none, naming it
 */
export function parse(source: string): readonly Node[] {
  const parts = source.split(/\{\{(?:-\s)?((?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)(?:\s-)?\}\}/);
  const trimmed = trimTexts(source, parts);
  const parser = new Parser(trimmed);
  const { nodes, end } = parser.nodes();
  if (end !== undefined) refuse(end);
  return nodes;
}

/** `{{- ` and ` -}}` take the white space beside them away. */
function trimTexts(source: string, parts: readonly string[]): string[] {
  let at = 0;
  return parts.map((part, index) => {
    const start = at;
    at = index % 2 === 0 ? start + part.length : source.indexOf("}}", start + part.length) + 2;
    if (index % 2 === 1) return part.trim();
    if (part.includes("{{")) refuse(part.slice(part.indexOf("{{") + 2));
    const before = source.slice(0, start).endsWith(" -}}") ? part.trimStart() : part;
    return source.startsWith("{{- ", start + part.length) ? before.trimEnd() : before;
  });
}

function refuse(action: string): never {
  throw new Fault("invalid_argument", `Cannot parse template: "{{${action}}}" is not known here`);
}

class Parser {
  readonly #parts: readonly string[];
  #next = 0;

  constructor(parts: readonly string[]) {
    this.#parts = parts;
  }

  /** Until the end, or the action that ends or goes on with what these are in. */
  nodes(): { readonly nodes: Node[]; readonly end?: string } {
    const nodes: Node[] = [];
    while (this.#next < this.#parts.length) {
      const part = this.#parts[this.#next] ?? "";
      this.#next += 1;
      if (this.#next % 2 === 1) nodes.push({ kind: "text", text: part });
      else if (/^(?:end|else)\b/.test(part)) return { nodes, end: part };
      else if (!part.startsWith("/*")) nodes.push(this.#action(part));
    }
    return { nodes };
  }

  #action(action: string): Node {
    const [, kind, rest = ""] = /^(if|with|range)\b(.*)$/s.exec(action) ?? [];
    if (kind === undefined) return { kind: "show", pipeline: pipelineOf(action) };
    return this.#block(kind as "if" | "with" | "range", rest);
  }

  #block(kind: "if" | "with" | "range", condition: string): Node {
    const pipeline = pipelineOf(condition);
    const { nodes: body, end } = this.nodes();
    if (end === "end") return { kind, pipeline, body, otherwise: [] };
    const [, again, further = ""] = /^else(?:\s+(if|with)\b(.*))?$/s.exec(end ?? "") ?? [];
    if (again !== undefined) {
      return { kind, pipeline, body, otherwise: [this.#block(again as "if" | "with", further)] };
    }
    if (end !== "else") refuse(`${kind}${condition}`);
    const otherwise = this.nodes();
    if (otherwise.end !== "end") refuse(`${kind}${condition}`);
    return { kind, pipeline, body, otherwise: otherwise.nodes };
  }
}

function pipelineOf(action: string): Pipeline {
  const tokens = tokensOf(action);
  const assigned = tokens.findIndex((token) => isMark(token, ":="));
  const names = tokens
    .slice(0, Math.max(assigned, 0))
    .flatMap((token) => (token.kind === "variable" ? [token.name] : []));
  const rest = tokens.slice(assigned + 1);
  const pipeline = { names, commands: commandsOf(rest, action) };
  if (rest.length > 0) refuse(action);
  return pipeline;
}

/** Takes what belongs to a pipeline from the beginning of the tokens. */
function commandsOf(tokens: Token[], action: string): Operand[][] {
  const commands: Operand[][] = [[]];
  for (let token = tokens[0]; token && !isMark(token, ")"); token = tokens[0]) {
    tokens.shift();
    if (isMark(token, "|")) commands.push([]);
    else commands.at(-1)?.push(operandOf(token, tokens, action));
  }
  if (commands.some((command) => command.length === 0)) refuse(action);
  return commands;
}

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["nil", null],
]);

function operandOf(token: Token, rest: Token[], action: string): Operand {
  if (token.kind === "word") {
    const { word } = token;
    return words.has(word) ? { kind: "constant", value: words.get(word) } : { kind: "function", name: word };
  }
  if (token.kind !== "mark") return token;
  if (token.mark !== "(") refuse(action);
  const pipeline = { names: [], commands: commandsOf(rest, action) };
  const closing = rest.shift();
  if (!closing || !isMark(closing, ")")) refuse(action);
  const [after] = rest;
  if (after?.kind !== "field" || !after.isGlued) return { kind: "inner", pipeline, path: [] };
  rest.shift();
  return { kind: "inner", pipeline, path: after.path };
}

function isMark(token: Token, mark: string): boolean {
  return token.kind === "mark" && token.mark === mark;
}
