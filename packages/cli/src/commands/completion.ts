import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { commands } from "../commands.ts";
import { groups } from "../groups.ts";

export function configure(command: Command, _cli: Cli): void {
  command
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText("after", "\nExample: source <(slipway completion bash)")
    .action((shell: string) => {
      const script = scripts[shell];
      if (!script)
        throw new Fault("invalid_argument", `Cannot complete for "${shell}": only for bash, zsh and fish`);
      process.stdout.write(script());
    });
}

const ofContainers =
  "attach commit diff exec inspect kill logs pause rename restart rm start stats stop top unpause update wait".split(
    " ",
  );
const ofImages = "create history push rmi run save tag".split(" ");
const listContainers = "slipway ps -a --format '{{.Names}}' 2>/dev/null";
const listImages = "slipway images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null";

const words = [...commands.filter(({ isGrouped }) => !isGrouped), ...groupWords()];

function groupWords(): { readonly name: string; readonly summary: string }[] {
  return Object.entries(groups).map(([name, { summary }]) => ({ name, summary }));
}

const scripts: Readonly<Record<string, () => string>> = {
  bash: () => `_slipway() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[1]} in
    ${ofContainers.join("|")}) COMPREPLY=($(compgen -W "$(${listContainers})" -- "$word")) ;;
    ${ofImages.join("|")}) COMPREPLY=($(compgen -W "$(${listImages})" -- "$word")); __ltrim_colon_completions "$word" 2>/dev/null ;;
${Object.entries(groups)
  .map(
    ([name, group]) =>
      `    ${name}) [ "$COMP_CWORD" = 2 ] && COMPREPLY=($(compgen -W "${Object.keys(group.commands).join(" ")}" -- "$word")) ;;`,
  )
  .join("\n")}
    *) [ "$COMP_CWORD" = 1 ] && COMPREPLY=($(compgen -W "${words.map(({ name }) => name).join(" ")}" -- "$word")) ;;
  esac
}
complete -o default -F _slipway slipway
`,
  zsh: () => `#compdef slipway
_slipway() {
  if (( CURRENT == 2 )); then
    local -a all=(${words.map(({ name, summary }) => `'${name}:${summary.replaceAll("'", "")}'`).join(" ")})
    _describe command all
    return
  fi
  case $words[2] in
    ${ofContainers.join("|")}) compadd -- \${(f)"$(${listContainers})"} ;;
    ${ofImages.join("|")}) compadd -- \${(f)"$(${listImages})"} ;;
    *) _files ;;
  esac
}
compdef _slipway slipway
`,
  fish: () =>
    words
      .map(
        ({ name, summary }) =>
          `complete -c slipway -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "")}'\n`,
      )
      .join("") +
    `complete -c slipway -n '__fish_seen_subcommand_from ${ofContainers.join(" ")}' -f -a "(${listContainers})"\n` +
    `complete -c slipway -n '__fish_seen_subcommand_from ${ofImages.join(" ")}' -f -a "(${listImages})"\n`,
};
