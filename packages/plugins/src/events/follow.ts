import type { Envelope, EventExchange } from "@slipway/core/events";

/** What a plugin does with events. */
export interface Follower {
  /** Looks at what happened before. Events wait meanwhile: none falls in between. */
  begin(): Promise<void>;
  consider(event: Envelope): Promise<void>;
  /** It considers no more. */
  failed(error: unknown): void;
}

/** Follows the events that `filters` let through, as a plugin does: until it is stopped, or the daemon ends. */
export function follow(
  events: Pick<EventExchange, "subscribe">,
  filters: readonly string[],
  signal: AbortSignal,
  follower: Follower,
): { readonly instance: AsyncDisposable; readonly stop: () => Promise<void> } {
  const stopping = new AbortController();
  const told = events.subscribe(filters, { signal: AbortSignal.any([stopping.signal, signal]) });
  const work = (async () => {
    await follower.begin();
    for await (const event of told) await follower.consider(event);
  })().catch((error: unknown) => follower.failed(error));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await work;
  };
  return { instance: { [Symbol.asyncDispose]: stop }, stop };
}
