import { type FaultCode, hasCode } from "@slipway/fault/fault";
import { failureText } from "./failure.ts";

/**
 * Does something with each of several names, and reports a failure without giving up on the others.
 * @returns whether one failed
 */
export async function eachOf(
  names: readonly string[],
  work: (name: string) => Promise<void>,
  { passesOver = [] }: { readonly passesOver?: readonly FaultCode[] } = {},
): Promise<boolean> {
  let failed = false;
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      if (hasCode(error, ...passesOver)) continue;
      process.stderr.write(failureText(error));
      failed = true;
    }
  }
  return failed;
}
