/** One condition of a filter. */
export type Selector =
  | { readonly path: readonly string[]; readonly operator: "present" }
  | { readonly path: readonly string[]; readonly operator: "==" | "!=" | "~="; readonly value: string };

/**
 * Parses `selector ("," selector)*`, where a selector is `field ("." field)* (operator value)?`. Errors show the place
 * as containerd does: `[before >|x|< after]: why`.
 */
export function parseSelectors(input: string): Selector[] {
  return new Parser(input).selectors();
}

const fieldPattern = /[A-Za-z0-9_]+/y;
const operatorPattern = /[=!~]+/y;
const valuePattern = /[^\s,\p{C}]+/uy;
const spacePattern = /\s+/y;
const escapePattern = /\\(?:[abfnrtv\\]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;

class Parser {
  readonly #input: string;
  #at = 0;

  constructor(input: string) {
    this.#input = input;
  }

  selectors(): Selector[] {
    const selectors = [this.#selector()];
    while (this.#peek() === ",") {
      this.#at++;
      selectors.push(this.#selector());
    }
    if (this.#at < this.#input.length) throw this.#error(this.#at, `unexpected input: ${this.#peek()}`);
    return selectors;
  }

  #selector(): Selector {
    const path = [this.#field()];
    while (this.#peek() === ".") {
      this.#at++;
      path.push(this.#field());
    }
    if (this.#peek() === "" || this.#peek() === ",") return { path, operator: "present" };
    const start = this.#skipSpace();
    const operator = this.#match(operatorPattern);
    switch (operator) {
      case "==":
      case "!=":
      case "~=":
        return { path, operator, value: this.#value(operator === "~=") };
      case undefined:
        throw this.#error(start, 'expected an operator ("=="|"!="|"~=")');
      default:
        throw this.#error(start, `unsupported operator "${operator}"`);
    }
  }

  #field(): string {
    const start = this.#skipSpace();
    if (isQuote(this.#peek())) return this.#quoted(false);
    const field = this.#match(fieldPattern);
    if (field === undefined) throw this.#error(start, "expected field or quoted");
    return field;
  }

  #value(anyQuote: boolean): string {
    const start = this.#skipSpace();
    if (isQuote(this.#peek())) return this.#quoted(anyQuote);
    const value = this.#match(valuePattern);
    if (value === undefined) throw this.#error(start, "expected value or quoted");
    return value;
  }

  /** `"` quotes anything, `/` and `|` regular expressions alone. */
  #quoted(anyQuote: boolean): string {
    const start = this.#at;
    const quote = this.#peek();
    let text = "";
    for (this.#at++; this.#peek() !== quote;) {
      const character = this.#peek();
      if (character === "" || character === "\n") throw this.#error(start, "quoted literal not terminated");
      if (character === "\\") text += this.#escape(start, quote);
      else {
        text += character;
        this.#at += character.length;
      }
    }
    this.#at++;
    if (!anyQuote && quote !== '"') throw this.#error(start, "invalid quote encountered");
    return text;
  }

  #escape(start: number, quote: string): string {
    if (this.#input[this.#at + 1] === quote) {
      this.#at += 2;
      return quote;
    }
    const escape = this.#match(escapePattern);
    if (escape === undefined) throw this.#error(start, "illegal escape sequence");
    const kind = escape[1] ?? "";
    const simple = simpleEscapes[kind];
    if (simple !== undefined) return simple;
    return String.fromCodePoint(
      /\d/.test(kind) ? Number.parseInt(escape.slice(1), 8) : Number.parseInt(escape.slice(2), 16),
    );
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#input)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #peek(): string {
    const code = this.#input.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #skipSpace(): number {
    this.#match(spacePattern);
    return this.#at;
  }

  #error(at: number, why: string): Error {
    const input = this.#input;
    const place = at < input.length ? `${input.slice(0, at)} >|${input[at]}|< ${input.slice(at + 1)}` : input;
    return new Error(`[${place}]: ${why}`);
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

function isQuote(character: string): boolean {
  return character === '"' || character === "/" || character === "|";
}
