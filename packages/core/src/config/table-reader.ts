import { Fault } from "@slipway/fault/fault";
import { parseDuration } from "./duration.ts";
import { suggest } from "./suggest.ts";

/** A table of TOML, as it was read. */
export type Table = Readonly<Record<string, unknown>>;

/**
 * Reads the values of one table of config.toml, each checked, and remembers what was asked for: so reading a table is
 * also its description. Every reading method throws a {@link Fault} `invalid_argument` that names the key.
 */
export class TableReader {
  readonly #table: Table;
  readonly #where: string;
  readonly #known = new Set<string>();
  readonly #unsupported: string[] = [];
  readonly #values: Record<string, unknown> = {};
  readonly #inner: TableReader[] = [];

  /** `where`: the table's name in messages, such as `grpc`; empty for the top. */
  constructor(table: unknown, where: string) {
    if (table !== undefined && asTable(table) !== table) {
      throw new Fault("invalid_argument", `Cannot read "${where}": expected a table`);
    }
    this.#table = asTable(table);
    this.#where = where;
  }

  string(key: string, fallback: string): string {
    return this.#read(key, "a string", fallback, (value) => (typeof value === "string" ? value : undefined));
  }

  number(key: string, fallback: number): number {
    return this.#read(key, "a number", fallback, (value) => (typeof value === "number" ? value : undefined));
  }

  /** A whole number; `least` is the smallest that makes sense. */
  integer(key: string, fallback: number, { least = -Infinity }: { readonly least?: number } = {}): number {
    const expected = least === -Infinity ? "a whole number" : `a whole number of at least ${least}`;
    return this.#read(key, expected, fallback, (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= least ? value : undefined,
    );
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.#read(key, "true or false", fallback, (value) =>
      typeof value === "boolean" ? value : undefined,
    );
  }

  strings(key: string, fallback: readonly string[] = []): readonly string[] {
    return this.#read(key, "a list of strings", fallback, (value) =>
      Array.isArray(value) && value.every(isText) ? value : undefined,
    );
  }

  /** One of a few words. */
  oneOf<const T extends string>(key: string, words: readonly T[], fallback: T): T {
    return this.#read(key, `one of ${words.join(", ")}`, fallback, (value) =>
      words.find((word) => word === value),
    );
  }

  /** One of Go's durations, such as `1m30s`. @returns milliseconds */
  duration(key: string, fallback: string): number {
    const text = this.#read(key, 'a duration such as "100ms"', fallback, (value) =>
      isText(value) && isDuration(value) ? value : undefined,
    );
    return parseDuration(text);
  }

  /** Strings by names that are the user's own. */
  stringsByName(key: string): Readonly<Record<string, string>> {
    return this.#read(key, "strings by name", {}, (value) =>
      asTable(value) === value && Object.values(value).every(isText)
        ? (value as Record<string, string>)
        : undefined,
    );
  }

  table(key: string): Table {
    return this.#read(key, "a table", {}, (value) => (asTable(value) === value ? value : undefined));
  }

  /** A list of tables, each to be read in turn. */
  tables(key: string): readonly TableReader[] {
    const tables = this.#read<readonly Table[]>(key, "a list of tables", [], (value) =>
      Array.isArray(value) && value.every((each) => asTable(each) === each) ? value : undefined,
    );
    const readers = tables.map((table, at) => new TableReader(table, `${this.#name(key)}[${at}]`));
    this.#inner.push(...readers);
    return readers;
  }

  /** Marks keys as known that nothing here reads. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#known.add(key);
  }

  /** Marks keys of containerd's that ask for something that is not implemented: a value is reported, a default is not. */
  unsupported(...keys: readonly string[]): void {
    this.ignore(...keys);
    this.#unsupported.push(...keys);
  }

  /** One line for each key of the table that is not known or has no effect: to be called when all has been read. */
  warnings(): string[] {
    const withoutEffect = this.#unsupported
      .filter((key) => !isEmpty(this.#table[key]))
      .map((key) => `key "${this.#name(key)}" has no effect: it is not implemented`);
    return [...this.#unknownKeys(), ...withoutEffect, ...this.#inner.flatMap((reader) => reader.warnings())];
  }

  /** What was read: the value of every key that was asked for, those that the table does not have included. */
  effective(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  #unknownKeys(): string[] {
    return Object.keys(this.#table)
      .filter((key) => !this.#known.has(key))
      .map((key) => {
        const meant = suggest(key, this.#known);
        return `unknown key "${this.#name(key)}"${meant === undefined ? "" : `: did you mean "${meant}"?`}`;
      });
  }

  #read<T>(key: string, expected: string, fallback: T, check: (value: unknown) => T | undefined): T {
    this.#known.add(key);
    const value = this.#table[key];
    const checked = value === undefined ? fallback : check(value);
    if (checked === undefined)
      throw new Fault("invalid_argument", `Cannot read "${this.#name(key)}": expected ${expected}`);
    this.#values[key] = checked;
    return checked;
  }

  #name(key: string): string {
    return this.#where === "" ? key : `${this.#where}.${key}`;
  }
}

/** `value` as a table; an empty one when it is none: reading the values tells what is wrong. */
export function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

/** Whether a value asks for nothing: `""`, 0, false, and lists and tables of such values. */
export function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isEmpty);
  if (asTable(value) === value) return Object.values(asTable(value)).every(isEmpty);
  return !value;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}
