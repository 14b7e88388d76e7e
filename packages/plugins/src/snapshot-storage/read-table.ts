import { Fault } from "@slipway/fault/fault";

type Table = Readonly<Record<string, unknown>>;

/** The text under `key`, or nothing. @throws {Fault} `invalid_argument` */
export function textOf(table: Table, key: string): string | undefined {
  return checked(table, key, "a string", (value) => typeof value === "string") as string | undefined;
}

/** @throws {Fault} `invalid_argument` */
export function flagOf(table: Table, key: string): boolean {
  return Boolean(checked(table, key, "true or false", (value) => typeof value === "boolean"));
}

/** @throws {Fault} `invalid_argument` */
export function textsOf(table: Table, key: string): readonly string[] {
  const isTexts = (value: unknown): boolean =>
    Array.isArray(value) && value.every((each) => typeof each === "string");
  return (checked(table, key, "a list of strings", isTexts) ?? []) as readonly string[];
}

function checked(table: Table, key: string, expected: string, isRight: (value: unknown) => boolean): unknown {
  const value = table[key];
  if (value === undefined || isRight(value)) return value;
  throw new Fault("invalid_argument", `Cannot read "${key}": expected ${expected}`);
}
