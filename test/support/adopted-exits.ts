import { release } from "node:os";

/**
 * What may be told of the end of a process with `code` whose shim died and was replaced. The kernel tells one that is not
 * the parent since Linux 6.15 (PIDFD_GET_INFO); before, the end is known only as long as nobody reaps it, else it is 255.
 */
export function adoptedExits(code: number): readonly number[] {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const isTold = major > 6 || (major === 6 && minor >= 15);
  return isTold ? [code] : [code, 255];
}
