import { Fault } from "./fault.ts";

/** The least and the greatest value that a number from outside may have, both included. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** Every whole number that a JavaScript number holds exactly. */
export const anyInteger: NumberRange = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Those that are not negative. */
export const anyCount: NumberRange = { min: 0, max: Number.MAX_SAFE_INTEGER };

/**
 * Whether a text is written as a whole number, in range or not. Such a text must never be taken for something else, as
 * a name, only because the number is too large: https://github.com/advisories/GHSA-265r-hfxg-fhmg
 */
export function isInteger(text: string): boolean {
  return /^[+-]?[0-9]+$/.test(text);
}

/**
 * The whole number that a text from outside holds, in decimal digits; undefined if it holds none, or one out of range.
 * Blanks, exponents, fractions and hexadecimal digits, all of which `Number()` takes, make no number here.
 */
export function integerIn(text: string, { min, max }: NumberRange): number | undefined {
  if (!isInteger(text)) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max) return undefined;
  return value === 0 ? 0 : value;
}

/**
 * Reads a whole number as `integerIn` does. `what` names in the error what is read, such as `--tail` or `uid`.
 * @throws {Fault} `invalid_argument`
 */
export function readInteger(what: string, text: string, range: NumberRange): number {
  const value = integerIn(text, range);
  if (value !== undefined) return value;
  const why = isInteger(text) ? outOf(range) : "it is not a whole number";
  throw new Fault("invalid_argument", `Cannot read ${what} "${text}": ${why}`);
}

/**
 * Reads a decimal number, such as `1.5`; no exponents.
 * @throws {Fault} `invalid_argument`
 */
export function readDecimal(what: string, text: string, range: NumberRange): number {
  const isDecimal = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(text);
  const value = Number(text);
  if (isDecimal && value >= range.min && value <= range.max) return value;
  const why = isDecimal ? outOf(range) : "it is not a number";
  throw new Fault("invalid_argument", `Cannot read ${what} "${text}": ${why}`);
}

function outOf({ min, max }: NumberRange): string {
  return `it is out of range, which is ${min} to ${max}`;
}
