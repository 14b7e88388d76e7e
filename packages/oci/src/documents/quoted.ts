/** The most characters of a text from outside that a message shows. */
export const maxShown = 60;

/**
 * A text from outside for a message: in quotes, shortened, and without what a terminal would obey or hide, such as control
 * characters and those that turn the direction of writing.
 */
export function quoted(text: string): string {
  const start = text.length > maxShown ? `${text.slice(0, maxShown)}…`.toWellFormed() : text;
  return JSON.stringify(start).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

/** Each of its UTF-16 units, as JSON has them. */
function escaped(character: string): string {
  return character.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
