import { Fault } from "@slipway/fault/fault";

type Words = readonly string[];

interface Group {
  readonly summary: string;
  /** What is typed after the group's name, and the command that it stands for. */
  readonly commands: Readonly<Record<string, Words>>;
}

/** Docker's groups: words for the same commands. */
export const groups: Readonly<Record<string, Group>> = {
  container: {
    summary: "What is done with containers",
    commands: {
      ...alike(
        "attach commit create diff exec kill logs pause ps rename restart rm run start stats stop top",
      ),
      ...alike("unpause update wait"),
      inspect: ["inspect", "--type", "container"],
      list: ["ps"],
      ls: ["ps"],
      prune: ["container-prune"],
    },
  },
  image: {
    summary: "What is done with images",
    commands: {
      ...alike("history load pull push save tag"),
      convert: ["image-convert"],
      inspect: ["inspect", "--type", "image"],
      list: ["images"],
      ls: ["images"],
      prune: ["image-prune"],
      remove: ["rmi"],
      rm: ["rmi"],
      verify: ["image-verify"],
    },
  },
  system: {
    summary: "What is done with the daemon",
    commands: { ...alike("events info"), df: ["system-df"], prune: ["system-prune"] },
  },
};

function alike(names: string): Record<string, Words> {
  return Object.fromEntries(names.split(" ").map((name) => [name, [name]]));
}

/**
 * The words with a group's command in place of its two words, such as `ps` for `container ls`.
 * @throws {Fault} `invalid_argument` for a word that the group does not have
 */
export function expandGroup(words: Words, index: number): Words {
  const [name = "", word] = words.slice(index, index + 2);
  const group = groups[name];
  if (!group || word === undefined || word.startsWith("-")) return words;
  const command = group.commands[word];
  if (!command) {
    throw new Fault(
      "invalid_argument",
      `There is no command "${name} ${word}"; "slipway ${name} --help" lists what there is`,
    );
  }
  return [...words.slice(0, index), ...command, ...words.slice(index + 2)];
}

/** What a group's name alone prints; nothing for other words. */
export function groupHelp(name: string, summaryOf: (command: string) => string): string | undefined {
  const group = groups[name];
  if (!group) return undefined;
  const lines = Object.entries(group.commands)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([word, [command = ""]]) => `  ${word.padEnd(10)}  ${summaryOf(command)}\n`);
  return `Usage: slipway ${name} COMMAND\n\n${group.summary}\n\nCommands:\n${lines.join("")}`;
}
