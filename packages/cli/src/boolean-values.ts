import type { Command, Option } from "commander";

const values: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  "1": true,
  false: false,
  f: false,
  "0": false,
};

/**
 * Flags as Go's programs take them: `--rm=false`, `-t=true`, and `--sig-proxy=false` for what is called `--no-sig-proxy` here.
 * A program's own flags, after an image or a container, are left alone.
 */
export function withBooleanValues(words: readonly string[], command: Command): string[] {
  const result: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--" || (!word.startsWith("-") && hasOwnFlags(command)))
      return [...result, ...words.slice(index)];
    result.push(...translate(word, command));
    if (!takesNext(word, command)) continue;
    index += 1;
    result.push(...words.slice(index, index + 1));
  }
  return result;
}

function translate(word: string, command: Command): string[] {
  const [, flag = "", text] = /^(--?[\w-]+)(?:=(\w+))?$/.exec(word) ?? [];
  const value = text === undefined ? undefined : values[text.toLowerCase()];
  const option = command.options.find(({ long, short }) => long === flag || short === flag);
  if (option) return value === undefined || hasValue(option) ? [word] : value ? [flag] : [];
  const opposite = command.options.find(({ long }) => long === flag.replace(/^--/, "--no-"));
  if (!opposite || (text !== undefined && value === undefined)) return [word];
  return value === false ? [opposite.long ?? word] : [];
}

/** Whether the word after this one is its value. The last of several short flags in one word may have one. */
function takesNext(word: string, command: Command): boolean {
  if (!word.startsWith("-") || word.includes("=")) return false;
  const find = (flag: string): Option | undefined =>
    command.options.find(({ long, short }) => long === flag || short === flag);
  if (word.startsWith("--")) return find(word)?.required ?? false;
  for (const [index, letter] of word.slice(1).split("").entries()) {
    if (find(`-${letter}`)?.required) return index === word.length - 2;
  }
  return false;
}

function hasValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** Whether the last argument is a command line of its own. */
function hasOwnFlags({ registeredArguments }: Command): boolean {
  return registeredArguments.some((argument) => /^(?:command|options)$/.test(argument.name()));
}
