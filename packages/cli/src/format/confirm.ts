import type { Command } from "commander";
import { ask } from "./ask.ts";

export function addForceFlag(command: Command): Command {
  return command.option("-f, --force", "do not ask");
}

/** Asks whether to go on, as Docker does. Without a terminal nobody can say yes. */
export async function confirmed(warning: string, force: boolean): Promise<boolean> {
  if (force) return true;
  const answer = await ask(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}
