/**
 * Reads why a runtime failed from its log. runc writes a JSON object a line, crun one over several lines, youki's have the
 * message among `fields`, and programs that do not know `--log-format json` write text. The last error is the reason: those
 * before it led to it.
 * @returns undefined when the log holds no error
 */
export function lastError(log: string): string | undefined {
  const entries = jsonObjects(log);
  const errors = entries.flatMap((entry) => errorOf(entry) ?? []);
  if (errors.length > 0 || entries.length > 0) return errors.at(-1);
  return log
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => /error|fatal|panic/i.test(line));
}

/** What is no JSON has many braces that nothing closes: each look for the end reads all of it. */
const mostTorn = 100;
const errorLevel = /^(error|fatal|panic|critical)$/i;

function errorOf(entry: Readonly<Record<string, unknown>>): string | undefined {
  const { level, msg, message, fields } = entry;
  if (typeof level !== "string" || !errorLevel.test(level)) return undefined;
  const inside =
    typeof fields === "object" && fields !== null && "message" in fields ? fields.message : undefined;
  return [msg, message, inside].find((text) => typeof text === "string")?.trim();
}

/** The objects in a text, one after the other, whatever is between them; what is still being written is left out. */
function jsonObjects(text: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  let torn = 0;
  for (let start = text.indexOf("{"); start >= 0 && torn < mostTorn;) {
    const end = objectEnd(text, start) ?? start;
    const value = parsed(text.slice(start, end));
    if (value) {
      found.push(value);
      start = text.indexOf("{", end);
    } else {
      torn += 1;
      const line = text.indexOf("\n{", start);
      start = line < 0 ? -1 : line + 1;
    }
  }
  return found;
}

/** Where the object that begins at `start` ends: its braces match, those in its strings aside. */
function objectEnd(text: string, start: number): number | undefined {
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|[{}]/gsy;
  const next = /["{}]/g;
  for (let at = start; ;) {
    next.lastIndex = at;
    const place = next.exec(text)?.index;
    if (place === undefined) return undefined;
    tokens.lastIndex = place;
    const [token] = tokens.exec(text) ?? [];
    if (token === undefined) return undefined;
    if (token === "{") depth += 1;
    else if (token === "}") depth -= 1;
    at = place + token.length;
    if (depth === 0) return at;
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
