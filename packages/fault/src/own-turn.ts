const waiting: (() => void)[] = [];

/**
 * Resolves in a later turn of the event loop, which no other caller gets. Long work is done in pieces of a few milliseconds
 * with this in between: however many of them are under way, whoever has a short call waits for one piece.
 */
export async function ownTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(next);
  });
}

/** One for each turn: the loop looks at its sockets in between. */
function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}
