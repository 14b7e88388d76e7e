import { Fault, messageOf } from "@slipway/fault/fault";
import { parseSelectors, type Selector } from "./parser.ts";
import { compileRegexp } from "./regexp.ts";

/** The value at a field path, or nothing when the object has no such field. */
export type FieldReader = (path: readonly string[]) => string | undefined;

export type Filter = (fields: FieldReader) => boolean;

/**
 * Compiles containerd's filters: an object matches when it matches any of them; without filters everything does. The
 * grammar is that of pkg/filters/filter.go: `name==x`, `labels."a.b"!=y`, `topic~=/regexp/`, `labels.present`, all
 * joined with commas.
 * @throws {Fault} `invalid_argument`
 */
export function compileFilters(filters: readonly string[] = []): Filter {
  if (filters.length === 0) return () => true;
  const alternatives = filters.map(compile);
  return (fields) => alternatives.some((matches) => matches(fields));
}

function compile(filter: string): Filter {
  if (filter === "") return () => true;
  const selectors = parse(filter).map(compileSelector);
  return (fields) => selectors.every((matches) => matches(fields));
}

function parse(filter: string): Selector[] {
  try {
    return parseSelectors(filter);
  } catch (error) {
    throw new Fault("invalid_argument", `filters: parse error: ${messageOf(error)}: invalid argument`);
  }
}

function compileSelector(selector: Selector): Filter {
  const { path, operator } = selector;
  switch (operator) {
    case "present":
      return (fields) => fields(path) !== undefined;
    case "==":
      return (fields) => fields(path) === selector.value;
    case "!=":
      return (fields) => (fields(path) ?? "") !== selector.value;
    case "~=": {
      const expression = compileRegexp(selector.value);
      // containerd lets an expression that does not compile match nothing.
      return (fields) => expression?.test(fields(path) ?? "") ?? false;
    }
  }
}
