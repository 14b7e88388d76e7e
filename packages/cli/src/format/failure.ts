import { messageOf } from "@slipway/fault/fault";
import { infoOf } from "@slipway/rpc/error-info";

/** What is printed of a failure: its message, and on a line of its own what the daemon says can be done. */
export function failureText(error: unknown): string {
  const hint = infoOf(error)?.facts["hint"];
  return `slipway: ${messageOf(error)}\n${hint === undefined ? "" : hintText(hint)}`;
}

export function hintText(hint: string): string {
  return `Hint: ${hint}\n`;
}
