/**
 * Gives an aborted call one shape: it rejects with the signal's reason, whatever was under way when it was aborted.
 * Without a signal, or when it has not aborted, the failure is what `call` rejects with.
 */
export async function abortable<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await call();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** As `abortable`, for answers that come one after the other. */
export async function* abortableStream<T>(
  signal: AbortSignal | undefined,
  answers: AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    yield* answers;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
