import { Fault, type FaultCode, messageOf } from "@slipway/fault/fault";
import { maxShown, quoted } from "./quoted.ts";

export interface JsonOptions {
  /** The most that is parsed; 8 MiB by default, as containerd's clients and registries agree on. */
  readonly maxBytes?: number;
  /** Of a fault about the document. `invalid_argument` by default; `data_loss` suits what we wrote ourselves. */
  readonly code?: FaultCode;
  /** Instead of JSON.parse; throws a SyntaxError as that does. */
  readonly parse?: (text: string) => unknown;
}

/** The bounds of an integer, both inclusive. */
export interface IntegerRange {
  readonly min?: number;
  readonly max?: number;
}

const defaultMaxBytes = 8 * 1024 * 1024;
/** What nests deeper cannot be written again: JSON.stringify recurses. Go's limit for reading is 10,000. */
const maxDepth = 1000;

/**
 * Parses a JSON document that came from outside, to be read field by field.
 *
 * What is accepted follows Go's encoding/json, by which containerd and Docker read the same documents: unknown fields are
 * ignored, names match in any case, the last of several wins, null is as good as missing, invalid UTF-8 becomes U+FFFD;
 * a byte order mark, a value of another type or a fraction where an integer belongs is refused.
 * https://pkg.go.dev/encoding/json#Unmarshal
 *
 * @param document what messages call it, such as `manifest sha256:ab12... of "app:1"`
 * @throws {Fault} `resource_exhausted` when it is too large, else `options.code`: it is no JSON
 */
export function parseJson(
  document: string,
  bytes: Uint8Array | string,
  { maxBytes = defaultMaxBytes, code = "invalid_argument", parse = JSON.parse }: JsonOptions = {},
): JsonField {
  const sizeBytes = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (sizeBytes > maxBytes) {
    const why = `it has ${sizeBytes} bytes, more than ${maxBytes}`;
    throw new Fault("resource_exhausted", `Cannot read ${document}: ${why}`);
  }
  const text =
    typeof bytes === "string"
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  if (text.trim() === "") throw new Fault(code, `Cannot read ${document}: it is empty`);
  try {
    return new JsonField({ name: document, code }, parse(text));
  } catch (error) {
    throw new Fault(code, `Cannot read ${document}: it is not JSON: ${whyNotJson(text, error)}`, {
      cause: error,
    });
  }
}

interface Source {
  readonly name: string;
  readonly code: FaultCode;
}

/**
 * A value of a JSON document, and the way to it. Every reader returns undefined (or something empty) for a value that is
 * missing or null, and throws a Fault that names document and field for one of another type.
 */
export class JsonField {
  readonly #source: Source;
  readonly #value: unknown;
  readonly #parent: JsonField | undefined;
  readonly #key: string | number;
  #members: ReadonlyMap<string, unknown> | undefined;

  constructor(source: Source, value: unknown, parent?: JsonField, key: string | number = "") {
    this.#source = source;
    this.#value = value;
    this.#parent = parent;
    this.#key = key;
  }

  /** Whether it is missing or null. */
  get isMissing(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** Whether it is a list, where a document may be one thing or another. */
  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  /** Whether it is text, where a document may be one thing or another. */
  get isText(): boolean {
    return typeof this.#value === "string";
  }

  /** Such as `layers[2].size`; empty for the document itself. */
  get path(): string {
    const parent = this.#parent?.path ?? "";
    if (typeof this.#key === "number") return `${parent}[${this.#key}]`;
    if (!/^[\w.$/@-]*$/.test(this.#key)) return `${parent}[${quoted(this.#key)}]`;
    return parent === "" ? this.#key.slice(0, maxShown) : `${parent}.${this.#key.slice(0, maxShown)}`;
  }

  /** A member of an object, as Go finds it: the name's case does not matter, and the last one wins. */
  get(name: string): JsonField {
    return new JsonField(this.#source, this.#folded().get(fold(name)), this, name);
  }

  /** Whether an object has the member, even as null. */
  has(name: string): boolean {
    return this.#folded().has(fold(name));
  }

  text(): string | undefined {
    if (this.isMissing) return undefined;
    if (typeof this.#value !== "string") throw this.#isNot("text");
    return this.#value.toWellFormed();
  }

  boolean(): boolean | undefined {
    if (this.isMissing) return undefined;
    if (typeof this.#value !== "boolean") throw this.#isNot("true or false");
    return this.#value;
  }

  /** A whole number; without a range, any that a double holds exactly. */
  integer({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: IntegerRange = {}):
    | number
    | undefined {
    if (this.isMissing) return undefined;
    if (typeof this.#value !== "number" || !Number.isInteger(this.#value))
      throw this.#isNot("a whole number");
    if (this.#value < min || this.#value > max) throw this.refuse(`is ${this.#value}, not ${min} to ${max}`);
    return this.#value;
  }

  /** A whole number of up to 64 bits: a bigint beyond those that a double holds exactly, if the parser gives one. */
  wideInteger(): number | bigint | undefined {
    if (typeof this.#value !== "bigint") return this.integer();
    if (BigInt.asIntN(64, this.#value) === this.#value || BigInt.asUintN(64, this.#value) === this.#value) {
      return this.#value;
    }
    throw this.#isNot("a whole number of 64 bits");
  }

  /** Any number that is finite. */
  number(): number | undefined {
    if (this.isMissing) return undefined;
    if (typeof this.#value !== "number" || !Number.isFinite(this.#value)) throw this.#isNot("a number");
    return this.#value;
  }

  /** The members of a list; none if it is missing or null. */
  list<T>(read: (item: JsonField) => T): T[] {
    if (this.isMissing) return [];
    if (!Array.isArray(this.#value)) throw this.#isNot("a list");
    return this.#value.map((item: unknown, index) => read(new JsonField(this.#source, item, this, index)));
  }

  /** The members of an object whose names are data; none if it is missing or null. */
  record<T>(read: (value: JsonField) => T): Record<string, T> {
    if (this.isMissing) return {};
    return Object.fromEntries(
      Object.entries(this.#object()).map(([name, value]) => [
        name.toWellFormed(),
        read(new JsonField(this.#source, value, this, name)),
      ]),
    );
  }

  /** A list of texts. Null in it is an empty text, as Go has it. */
  texts(): string[] {
    return this.list((item) => item.text() ?? "");
  }

  /** An object of texts. Null in it is an empty text, as Go has it. */
  textRecord(): Record<string, string> {
    return this.record((value) => value.text() ?? "");
  }

  /** Checks that it is an object, and is there. @throws {Fault} */
  required(): this {
    if (this.isMissing) throw this.refuse(this.#value === null ? "is null" : "is missing");
    return this;
  }

  /**
   * The members of an object other than the named ones, as they are: whoever writes a document again keeps them.
   * @throws {Fault} when they nest too deep to be written
   */
  others(names: readonly string[]): Record<string, unknown> {
    if (this.isMissing) return {};
    const known = new Set(names.map(fold));
    const others = Object.entries(this.#object()).filter(([name]) => !known.has(fold(name)));
    const deep = others.find(([, value]) => isDeeper(value, maxDepth));
    if (deep) throw new JsonField(this.#source, deep[1], this, deep[0]).refuse(`nests over ${maxDepth} deep`);
    return Object.fromEntries(others);
  }

  /** A fault about this field, to be thrown. @param why follows the field's path, such as `is -5, not a size` */
  refuse(why: string): Fault {
    const { path } = this;
    const what = path === "" ? "it" : `"${path}"`;
    return new Fault(this.#source.code, `Cannot read ${this.#source.name}: ${what} ${why}`);
  }

  /** A fault that says what this field holds, to be thrown. @param wanted follows it, such as `a size` */
  unexpected(wanted: string): Fault {
    return this.#isNot(wanted);
  }

  #folded(): ReadonlyMap<string, unknown> {
    if (this.#members) return this.#members;
    const entries = this.isMissing ? [] : Object.entries(this.#object());
    return (this.#members = new Map(entries.map(([name, value]) => [fold(name), value])));
  }

  #object(): object {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#isNot("an object");
    return value;
  }

  #isNot(wanted: string): Fault {
    if (this.#value === undefined) return this.refuse("is missing");
    return this.refuse(`is ${shown(this.#value)}, not ${wanted}`);
  }
}

/** Go matches names without their case, and by Unicode's folding: two further letters are equal to an English one. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll("\u017f", "s").replaceAll("\u212a", "k");
}

/** A value in a message. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return quoted(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function whyNotJson(text: string, error: unknown): string {
  const start = text.replace(/^[ \t\r\n]+/, "");
  if (!/^[[{"\dtfn-]/.test(start)) return `it begins with ${quoted(start)}`;
  const why = messageOf(error);
  const token = /^Unexpected token '(.+?)', /u.exec(why)?.[1];
  if (token !== undefined) return `${quoted(token)} is out of place in it`;
  const position = Number(/ position (\d+)/.exec(why)?.[1] ?? text.length);
  if (position >= text.length || why.startsWith("Unterminated")) return "it ends too early";
  return `its character ${position + 1} is out of place: ${quoted(text.slice(position))}`;
}

function isDeeper(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return limit === 0 || Object.values(value).some((one: unknown) => isDeeper(one, limit - 1));
}
