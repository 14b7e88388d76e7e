import { Fault } from "@slipway/fault/fault";
import type { TemplateFunction } from "./functions.ts";
import type { Node, Operand, Pipeline } from "./parse.ts";
import { isTrue, show } from "./values.ts";

interface Scope {
  readonly dot: unknown;
  /** `$` and those that were set. */
  readonly variables: ReadonlyMap<string, unknown>;
  readonly functions: Readonly<Record<string, TemplateFunction>>;
  /** Whether a field that is not there is nothing, instead of a failure: where it is asked for. */
  readonly isAsked: boolean;
}

/** The text that a template makes of a value. @throws {Fault} `invalid_argument` */
export function fill(
  nodes: readonly Node[],
  value: unknown,
  functions: Readonly<Record<string, TemplateFunction>>,
): string {
  return texts(nodes, { dot: value, variables: new Map([["$", value]]), functions, isAsked: false });
}

function texts(nodes: readonly Node[], outer: Scope): string {
  let scope = outer;
  let text = "";
  for (const node of nodes) {
    if (node.kind === "text") text += node.text;
    else if (node.kind === "show") {
      const value = evaluate(node.pipeline, scope);
      if (node.pipeline.names.length === 0) text += show(value);
      else scope = named(scope, node.pipeline, [value]);
    } else text += block(node, scope);
  }
  return text;
}

function block(node: Exclude<Node, { kind: "text" | "show" }>, scope: Scope): string {
  const { kind, pipeline, body, otherwise } = node;
  const value = evaluate(pipeline, { ...scope, isAsked: true });
  if (!isTrue(value)) return texts(otherwise, scope);
  if (kind === "if") return texts(body, named(scope, pipeline, [value]));
  if (kind === "with") return texts(body, { ...named(scope, pipeline, [value]), dot: value });
  return entriesOf(value)
    .map(([key, dot]) => {
      // One name is the element's, two are the key's and the element's.
      const values = pipeline.names.length > 1 ? [key, dot] : [dot];
      return texts(body, { ...named(scope, pipeline, values), dot });
    })
    .join("");
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
  throw new Fault("invalid_argument", `Cannot fill template: "${show(value)}" has no elements`);
}

function named(scope: Scope, { names }: Pipeline, values: readonly unknown[]): Scope {
  if (names.length === 0) return scope;
  const set = names.map((name, index) => [name, values[index]] as const);
  return { ...scope, variables: new Map([...scope.variables, ...set]) };
}

function evaluate({ commands }: Pipeline, scope: Scope): unknown {
  let piped: readonly unknown[] = [];
  for (const [first, ...rest] of commands) {
    if (first) piped = [apply(first, [...rest.map((operand) => valueOf(operand, scope)), ...piped], scope)];
  }
  return piped[0];
}

function apply(first: Operand, args: readonly unknown[], scope: Scope): unknown {
  const value = valueOf(first, scope);
  if (typeof value === "function") return (value as TemplateFunction)(...args);
  if (args.length > 0)
    throw new Fault("invalid_argument", `Cannot fill template: "${show(value)}" takes no arguments`);
  return value;
}

function valueOf(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case "constant":
      return operand.value;
    case "field":
      return lookUp(scope.dot, operand.path, scope);
    case "inner":
      return lookUp(evaluate(operand.pipeline, scope), operand.path, scope);
    case "variable":
      return lookUp(known(scope.variables.get(operand.name), operand.name), operand.path, scope);
    case "function": {
      const found = scope.functions[operand.name];
      return found ?? known(undefined, operand.name);
    }
  }
}

function known(value: unknown, name: string): unknown {
  if (value === undefined)
    throw new Fault("invalid_argument", `Cannot fill template: "${name}" is not known`);
  return value;
}

function lookUp(start: unknown, path: readonly string[], { isAsked }: Scope): unknown {
  let value = start;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !(key in value)) {
      if (isAsked) return undefined;
      throw new Fault("invalid_argument", `Cannot fill template: there is no field "${key}"`);
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
