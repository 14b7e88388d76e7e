import type { Envelope, EventExchange, EventsByTopic } from "@slipway/core/events";
import { compileFilters, type Filter } from "@slipway/core/filters/filters";
import { validateIdentifier } from "@slipway/core/identifiers";
import { Fault, messageOf } from "@slipway/fault/fault";
import { envelopeFields } from "./fields.ts";
import { encodePayload } from "./payloads.ts";
import { Subscription } from "./subscription.ts";

/** Hands each event to the subscribers that are there: containerd's core/events/exchange. Nothing is kept. */
export class Exchange implements EventExchange {
  readonly #subscriptions = new Map<Subscription, Filter>();

  publish<T extends keyof EventsByTopic>(namespace: string, topic: T, payload: EventsByTopic[T]): void {
    this.forward({ timestamp: new Date(), namespace, topic, event: encodePayload(topic, payload) });
  }

  forward(envelope: Envelope): void {
    validateEnvelope(envelope);
    const fields = envelopeFields(envelope);
    for (const [subscription, matches] of this.#subscriptions) {
      if (matches(fields)) subscription.push(envelope);
    }
  }

  subscribe(
    filters: readonly string[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<Envelope> {
    const matches = compileFilters(filters);
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
}

function validateEnvelope({ namespace, topic, timestamp }: Envelope): void {
  try {
    validateIdentifier(namespace);
  } catch (error) {
    throw invalid(`event envelope has invalid namespace: ${messageOf(error)}`, error);
  }
  try {
    validateTopic(topic);
  } catch (error) {
    throw invalid(`envelope topic "${topic}": ${messageOf(error)}`, error);
  }
  if (Number.isNaN(timestamp.getTime())) {
    throw invalid("timestamp must be set on forwarded event: invalid argument");
  }
}

function validateTopic(topic: string): void {
  if (topic === "") throw invalid("must not be empty: invalid argument");
  if (!topic.startsWith("/")) throw invalid("must start with '/': invalid argument");
  if (topic.length === 1) throw invalid("must have at least one component: invalid argument");
  for (const component of topic.slice(1).split("/")) {
    try {
      validateIdentifier(component);
    } catch (error) {
      throw invalid(`failed validation on component "${component}": ${messageOf(error)}`, error);
    }
  }
}

function invalid(message: string, cause?: unknown): Fault {
  return new Fault("invalid_argument", message, { cause });
}
