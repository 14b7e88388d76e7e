import { Fault } from "@slipway/fault/fault";
import type { Table } from "./config.ts";
import { asTable } from "./migrate.ts";
import { suggest } from "./suggest.ts";

/** Reads the values of one table, each checked, and remembers which keys were asked for. */
export class TableReader {
  readonly #table: Table;
  readonly #where: string;
  readonly #known = new Set<string>();

  /** `where`: the table's name in messages, such as `grpc`; empty for the top. */
  constructor(table: unknown, where: string) {
    if (table !== undefined && asTable(table) !== table) {
      throw new Fault("invalid_argument", `Cannot read "${where}": expected a table`);
    }
    this.#table = asTable(table);
    this.#where = where;
  }

  string(key: string, fallback: string): string {
    return (
      this.#read(key, "a string", (value) => (typeof value === "string" ? value : undefined)) ?? fallback
    );
  }

  number(key: string, fallback: number): number {
    return (
      this.#read(key, "a number", (value) => (typeof value === "number" ? value : undefined)) ?? fallback
    );
  }

  boolean(key: string, fallback: boolean): boolean {
    return (
      this.#read(key, "true or false", (value) => (typeof value === "boolean" ? value : undefined)) ??
      fallback
    );
  }

  strings(key: string): readonly string[] {
    const isText = (value: unknown): value is string => typeof value === "string";
    return (
      this.#read(key, "a list of strings", (value) =>
        Array.isArray(value) && value.every(isText) ? value : undefined,
      ) ?? []
    );
  }

  table(key: string): Table {
    return (
      this.#read(key, "a table", (value) => (asTable(value) === value ? asTable(value) : undefined)) ?? {}
    );
  }

  /** Marks keys as known that nothing here reads. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#known.add(key);
  }

  /** One line for each key that nobody asked for: to be called when all has been read. */
  unknownKeys(): string[] {
    return Object.keys(this.#table)
      .filter((key) => !this.#known.has(key))
      .map((key) => {
        const meant = suggest(key, this.#known);
        return `unknown key "${this.#name(key)}"${meant === undefined ? "" : `: did you mean "${meant}"?`}`;
      });
  }

  #read<T>(key: string, expected: string, check: (value: unknown) => T | undefined): T | undefined {
    this.#known.add(key);
    const value = this.#table[key];
    if (value === undefined) return undefined;
    const checked = check(value);
    if (checked !== undefined) return checked;
    throw new Fault("invalid_argument", `Cannot read "${this.#name(key)}": expected ${expected}`);
  }

  #name(key: string): string {
    return this.#where === "" ? key : `${this.#where}.${key}`;
  }
}
