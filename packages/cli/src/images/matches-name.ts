import { familiarReference, parseFamiliarReference } from "@slipway/oci/reference";
import { familiar, isNameOf, splitName } from "./familiar.ts";

/**
 * Whether a stored name is what `slipway images NAME` asks for: a repository, a name with its tag or digest, each in any of
 * the forms that people type, or a pattern of Go's path.Match over the short form, as in `docker images`.
 */
export function matchesName(name: string, wanted: string): boolean {
  const { repository, tag } = splitName(name);
  if (isNameOf(name, wanted) || [repository, `${repository}:${tag}`].includes(wanted)) return true;
  const pattern = patternOf(wanted);
  if (pattern.test(repository) || pattern.test(familiar(name))) return true;
  return wantedRepository(wanted) === repository;
}

/** In its short form; undefined if a tag or a digest is named, too. */
function wantedRepository(wanted: string): string | undefined {
  try {
    const { tag, digest, ...named } = parseFamiliarReference(wanted);
    const isWhole = digest !== undefined || wanted.endsWith(`:${tag}`);
    return isWhole ? undefined : familiarReference(named);
  } catch {
    return undefined;
  }
}

/** Neither `*` nor `?` goes over a slash. A class, `[a-z]` or `[^a-z]`, that has no end is none. */
function patternOf(wanted: string): RegExp {
  const source = wanted.replaceAll(/\[\^?[\w.-]+\]|[\s\S]/g, (part) => {
    if (part.length > 1) return part;
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.replace(/[\\^$.|+()[\]{}/]/, String.raw`\$&`);
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A class whose range is the wrong way round.
    return /^(?!)/;
  }
}
