import { Fault } from "@slipway/fault/fault";
import { isTrue, lengthOf, show } from "./values.ts";

export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Go's own, and those that Docker has beside them (docs.docker.com/engine/cli/formatting). */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => JSON.stringify(value ?? null),
  lower: (value) => show(value).toLowerCase(),
  upper: (value) => show(value).toUpperCase(),
  title: (value) => show(value).replaceAll(/(?<=^|\s)\S/g, (first) => first.toUpperCase()),
  split: (value, separator) => show(value).split(show(separator)),
  join: (value, separator) => (Array.isArray(value) ? value.map(show).join(show(separator)) : show(value)),
  truncate: (value, length) => show(value).slice(0, Number(length)),
  pad: (value, before, after) => " ".repeat(Number(before)) + show(value) + " ".repeat(Number(after)),
  print: (...values) => values.map(show).join(" "),
  println: (...values) => `${values.map(show).join(" ")}\n`,
  printf: (format, ...values) => formatted(show(format), values),
  len: (value) => lengthOf(value) ?? fail(`"${show(value)}" has no length`),
  index: (value, ...keys) => keys.reduce(at, value),
  slice: (value, from = 0, to) => sliced(value, Number(from), to),
  eq: (value, ...others) => others.some((other) => isSame(value, other)),
  ne: (value, other) => !isSame(value, other),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
};

function fail(why: string): never {
  throw new Fault("invalid_argument", `Cannot fill template: ${why}`);
}

/** A key that a map does not have is empty, as in Go's maps of texts. */
function at(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const index = Number(key);
    return index in value ? (value as unknown[])[index] : fail(`there is no index ${show(key)}`);
  }
  if (typeof value === "string") return value.charCodeAt(Number(key));
  if (value === null || value === undefined) return "";
  return typeof value === "object"
    ? ((value as Record<string, unknown>)[show(key)] ?? "")
    : fail("it has no index");
}

function sliced(value: unknown, from: number, to: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) fail(`"${show(value)}" cannot be sliced`);
  const end = to === undefined ? value.length : Number(to);
  return end > value.length || from > end
    ? fail(`there is no index ${Math.max(from, end)}`)
    : value.slice(from, end);
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a !== typeof b && show(a) === show(b));
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [show(a), show(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** `%s`, `%v`, `%d` and `%q` with widths, and `%%`. */
function formatted(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replaceAll(/%(-?\d*)([a-zA-Z%])/g, (whole, width: string, verb: string) => {
    if (verb === "%") return "%";
    if (!"svdq".includes(verb)) fail(`printf has no "${whole}" here`);
    const value = values[next++];
    const text = verb === "q" ? JSON.stringify(value) : show(value);
    return width.startsWith("-") ? text.padEnd(-Number(width)) : text.padStart(Number(width));
  });
}
