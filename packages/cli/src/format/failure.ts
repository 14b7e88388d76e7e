import { messageOf } from "@slipway/fault/fault";
import { infoOf } from "@slipway/rpc/error-info";

/** What is printed of a failure: its message, and on a line of its own what the daemon says can be done. */
export function failureText(error: unknown): string {
  const hint = infoOf(error)?.facts["hint"];
  return `slipway: ${shortened(systemFailure(error) ?? withoutCall(messageOf(error)))}\n${hint === undefined ? "" : hintText(hint)}`;
}

/** A value in quotes may be as long as a command line and have several lines: a sentence does not. */
function shortened(message: string): string {
  return message.replaceAll(/"([^"]*)"/g, (_, value: string) => {
    const short = value.length > 400 ? `${value.slice(0, 100)}...` : value;
    return `"${short.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))}"`;
  });
}

/** Node's `ENOENT: no such file or directory, open 'x'` as everything else is worded. */
function systemFailure(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error)) return undefined;
  const [, why, call, path] = /^E[A-Z0-9]+: (.+?), (\w+)(?: '(.*)')?$/s.exec(error.message) ?? [];
  if (why === undefined) return undefined;
  return path === undefined ? `Cannot ${call}: ${why}` : `Cannot ${call} "${path}": ${why}`;
}

/** A sentence that ends in one of Node's has named the path already. */
function withoutCall(message: string): string {
  return message.replace(/: E[A-Z0-9]+: ([^:]+?), \w+(?: '[^']*')?$/, ": $1");
}

export function hintText(hint: string): string {
  return `Hint: ${hint}\n`;
}
