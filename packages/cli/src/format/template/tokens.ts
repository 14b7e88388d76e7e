import { Fault } from "@slipway/fault/fault";

/** What is between `{{` and `}}`, taken apart. */
export type Token =
  /** `.A.B`; `.` has no names. Whether it follows a parenthesis without a space: then it is a field of what is in there. */
  | { readonly kind: "field"; readonly path: readonly string[]; readonly isGlued: boolean }
  /** `$x.A`; `$` is what the template was given. */
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "constant"; readonly value: string | number }
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "mark"; readonly mark: string };

const pattern =
  /(?<space>\s+)|(?<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?<number>-?\d+(?:\.\d+)?)|(?<variable>\$\w*(?:\.\w+)*)|(?<field>\.(?:\w+(?:\.\w+)*)?)|(?<word>\w+)|(?<mark>:=|[()|,])/y;

/** @throws {Fault} `invalid_argument` */
export function tokensOf(action: string): Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  for (let at = 0; at < action.length; at = pattern.lastIndex) {
    const groups = pattern.exec(action)?.groups;
    if (!groups) throw new Fault("invalid_argument", `Cannot parse template: "{{${action}}}" is not known`);
    const token = tokenOf(groups, action[at - 1] === ")");
    if (token) tokens.push(token);
  }
  return tokens;
}

function tokenOf(found: Readonly<Record<string, string | undefined>>, isGlued: boolean): Token | undefined {
  const { text, number, variable, field, word, mark } = found;
  if (text !== undefined) return { kind: "constant", value: unquoted(text) };
  if (number !== undefined) return { kind: "constant", value: Number(number) };
  if (field !== undefined) return { kind: "field", path: field.split(".").filter(Boolean), isGlued };
  if (word !== undefined) return { kind: "word", word };
  if (mark !== undefined) return { kind: "mark", mark };
  if (variable === undefined) return undefined;
  const [name = "", ...path] = variable.split(".");
  return { kind: "variable", name, path };
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquoted(text: string): string {
  const inside = text.slice(1, -1);
  return text.startsWith("`")
    ? inside
    : inside.replaceAll(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);
}
