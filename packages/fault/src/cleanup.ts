/**
 * Runs `work` on a clock of its own: cleaning up must go on when the caller has left.
 * `grace` aborts after `graceMs` (10 seconds unless told), as containerd's own cleanup does.
 */
export async function cleanup<T>(work: (grace: AbortSignal) => Promise<T>, graceMs = 10_000): Promise<T> {
  return await work(AbortSignal.timeout(graceMs));
}
