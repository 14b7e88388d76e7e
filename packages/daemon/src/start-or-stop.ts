import { setTimeout as wait } from "node:timers/promises";

/** What a start may take to give back what it has, in milliseconds: less than a service manager waits. */
const GRACE_MS = 3000;

/**
 * What is being started, or undefined when `stopping` aborted first. A start that does not end then, because it waits for
 * something that hangs, ends with the process, as containerd's does.
 * @throws what the start throws
 */
export async function startedUnlessStopped<T extends AsyncDisposable>(
  starting: Promise<T>,
  stopping: AbortSignal,
  exit: () => void = () => process.exit(0),
): Promise<T | undefined> {
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  stopping.addEventListener("abort", stop, { once: true });
  const started = await Promise.race([starting, stopped.promise]);
  stopping.removeEventListener("abort", stop);
  if (started) return started;
  const ended = starting.then(
    async (late) => await late[Symbol.asyncDispose](),
    // What did not come up need not be reported: it is not wanted any more.
    () => undefined,
  );
  const isLate = await Promise.race([ended, wait(GRACE_MS, true, { ref: false })]);
  if (isLate === true) exit();
  return undefined;
}
