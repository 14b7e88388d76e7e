const longestTimerMs = 2 ** 31 - 1;

/** Ends what follows at that time. Whoever follows for longer than a timer can last follows for ever. */
export function abortAt(end: AbortController, time: Date): void {
  const waitMs = Math.max(0, time.getTime() - Date.now());
  if (waitMs <= longestTimerMs) setTimeout(() => end.abort(), waitMs).unref();
}
