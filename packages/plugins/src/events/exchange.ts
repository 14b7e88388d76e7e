import type {
  Envelope,
  EventExchange,
  EventsByTopic,
  JournalRange,
  RecordedEvent,
} from "@slipway/core/events";
import { compileFilters, type Filter } from "@slipway/core/filters/filters";
import { Fault } from "@slipway/fault/fault";
import { compareDates, now } from "@slipway/fault/precise-date";
import { encodeEnvelope } from "./envelope-bytes.ts";
import { envelopeFields } from "./fields.ts";
import { Forwarded } from "./forwarded.ts";
import { encodePayload } from "./payloads.ts";
import { Subscription } from "./subscription.ts";
import { validateEnvelope } from "./validate-envelope.ts";

/** Keeps events for those who come later, or come again. */
export interface EventKeeper {
  /** Of the event that was added last. */
  readonly last: number;
  /** @returns its sequence */
  append(bytes: Uint8Array): number;
  /** The bytes of the latest events, at most so many. */
  latest(count: number): Uint8Array[];
  after(sequence: number): RecordedEvent[];
}

/** What is of use only to those who look on while it happens. */
const passing = new Set<string>(["/slipway/images/pull-progress"]);

/** Hands each event to the subscribers that are there, as containerd's core/events/exchange, and keeps it in the journal. */
export class Exchange implements EventExchange {
  readonly #subscriptions = new Map<Subscription, Filter>();
  readonly #journal: EventKeeper | undefined;
  readonly #forwarded: Forwarded;

  /** Without a journal nothing is kept. */
  constructor(journal?: EventKeeper) {
    this.#journal = journal;
    this.#forwarded = new Forwarded(journal);
  }

  publish<T extends keyof EventsByTopic>(namespace: string, topic: T, payload: EventsByTopic[T]): void {
    this.announce({ timestamp: now(), namespace, topic, event: encodePayload(topic, payload) });
  }

  announce(envelope: Envelope): void {
    validateEnvelope(envelope);
    this.#tell(envelope, this.#journal && encodeEnvelope(envelope));
  }

  forward(envelope: Envelope): void {
    validateEnvelope(envelope);
    const bytes = encodeEnvelope(envelope);
    if (this.#forwarded.isNew(bytes)) this.#tell(envelope, bytes);
  }

  subscribe(
    filters: readonly string[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<Envelope> {
    return this.#subscribe(compileFilters(filters), signal);
  }

  async *read(
    filters: readonly string[],
    { after = 0, since, follow = false, signal }: JournalRange = {},
  ): AsyncGenerator<RecordedEvent> {
    if (!this.#journal) throw new Fault("unimplemented", "Cannot read past events: the journal is off");
    const matches = compileFilters(filters);
    // In one turn of the event loop: nothing happens between what is kept and what is to come.
    const kept = this.#journal.after(after).filter((event) => matches(envelopeFields(event)));
    const coming = follow ? this.#subscribe(matches, signal) : undefined;
    const isWanted = ({ timestamp }: Envelope): boolean =>
      since === undefined || compareDates(timestamp, since) >= 0;
    try {
      yield* kept.filter(isWanted);
      if (!coming) return;
      for await (const event of coming) if (isWanted(event)) yield event;
    } finally {
      coming?.end();
    }
  }

  #subscribe(matches: Filter, signal: AbortSignal | undefined): Subscription {
    const end = (): void => subscription.end();
    const subscription = new Subscription(() => {
      this.#subscriptions.delete(subscription);
      signal?.removeEventListener("abort", end);
    });
    this.#subscriptions.set(subscription, matches);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    return subscription;
  }

  /** It is kept before anybody hears of it, and before who sent it is answered. */
  #tell(envelope: Envelope, bytes: Uint8Array | undefined): void {
    const isKept = bytes !== undefined && this.#journal !== undefined && !passing.has(envelope.topic);
    const sequence = isKept ? this.#journal.append(bytes) : (this.#journal?.last ?? 0);
    if (this.#subscriptions.size === 0) return;
    const fields = envelopeFields(envelope);
    const event = { ...envelope, sequence };
    for (const [subscription, matches] of this.#subscriptions) {
      if (matches(fields)) subscription.push(event);
    }
  }
}
