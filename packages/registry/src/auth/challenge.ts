/** One challenge of a WWW-Authenticate header. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const name = "[\\w!#$%&'*+.^`|~-]+";
const parameter = new RegExp(`^(${name})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))$`, "s");
const schemeAndRest = new RegExp(`^(${name})(?:\\s+(.*))?$`, "s");

/**
 * Parses a WWW-Authenticate header as RFC 9110, section 11.6.1, defines it: challenges and their parameters are in one list.
 * What belongs to neither is left out.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const item of itemsOf(header)) {
    if (addParameter(challenges.at(-1)?.parameters, item)) continue;
    const [, scheme, rest = ""] = schemeAndRest.exec(item) ?? [];
    if (scheme === undefined) continue;
    const parameters: Record<string, string> = {};
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    addParameter(parameters, rest);
  }
  return challenges;
}

/** @returns whether the item is a parameter */
function addParameter(parameters: Record<string, string> | undefined, item: string): boolean {
  const [, key, quoted, plain = ""] = parameter.exec(item) ?? [];
  if (key === undefined) return false;
  if (parameters) parameters[key.toLowerCase()] = quoted?.replaceAll(/\\(.)/gs, "$1") ?? plain;
  return true;
}

/** A list's items: commas divide them where they are not in quotes. */
function itemsOf(header: string): string[] {
  const items = header.match(/(?:"(?:[^"\\]|\\.)*(?:"|$)|[^,"])+/gs) ?? [];
  return items.map((item) => item.trim()).filter((item) => item !== "");
}
