import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { commands } from "../commands.ts";

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

const ofContainers = "attach exec inspect kill logs pause restart rm start stop top unpause wait stats".split(
  " ",
);
const ofImages = "run create push rmi tag".split(" ");
const listContainers = "slipway ps -a --format '{{.Names}}' 2>/dev/null";
const listImages = "slipway images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null";

const scripts: Readonly<Record<string, () => string>> = {
  bash: () => `_slipway() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[1]} in
    ${ofContainers.join("|")}) COMPREPLY=($(compgen -W "$(${listContainers})" -- "$word")) ;;
    ${ofImages.join("|")}) COMPREPLY=($(compgen -W "$(${listImages})" -- "$word")); __ltrim_colon_completions "$word" 2>/dev/null ;;
    *) [ "$COMP_CWORD" = 1 ] && COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word")) ;;
  esac
}
complete -o default -F _slipway slipway
`,
  zsh: () => `#compdef slipway
_slipway() {
  if (( CURRENT == 2 )); then
    local -a all=(${commands.map(({ name, summary }) => `'${name}:${summary.replaceAll("'", "")}'`).join(" ")})
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
    commands
      .map(
        ({ name, summary }) =>
          `complete -c slipway -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "")}'\n`,
      )
      .join("") +
    `complete -c slipway -n '__fish_seen_subcommand_from ${ofContainers.join(" ")}' -f -a "(${listContainers})"\n` +
    `complete -c slipway -n '__fish_seen_subcommand_from ${ofImages.join(" ")}' -f -a "(${listImages})"\n`,
};
