import { messageOf } from "@slipway/fault/fault";
import { infoOf } from "@slipway/rpc/error-info";

/** What is printed of a failure: its message, and on a line of its own what the daemon says can be done. */
export function failureText(error: unknown): string {
  const hint = infoOf(error)?.facts["hint"];
  return `slipway: ${systemFailure(error) ?? messageOf(error)}\n${hint === undefined ? "" : hintText(hint)}`;
}

/** Node's `ENOENT: no such file or directory, open 'x'` as everything else is worded. */
function systemFailure(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error)) return undefined;
  const [, why, call, path] = /^E[A-Z0-9]+: (.+?), (\w+) '(.+)'$/.exec(error.message) ?? [];
  return why === undefined ? undefined : `Cannot ${call} "${path}": ${why}`;
}

export function hintText(hint: string): string {
  return `Hint: ${hint}\n`;
}
