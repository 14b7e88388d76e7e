import { createRegistry } from "@bufbuild/protobuf";
import { file_containerd_events_events } from "@slipway/api/containerd/events/events_pb";
import { file_slipway_events_v1_containers } from "@slipway/api/slipway/events/v1/containers_pb";
import {
  ImageCreateSchema,
  ImageDeleteSchema,
  ImageUpdateSchema,
} from "@slipway/api/containerd/services/images/v1/images_pb";
import { ImagePullProgressSchema } from "@slipway/api/slipway/events/v1/images_pb";
import { Journal } from "@slipway/api/slipway/services/events/v1/journal_pb";
import { Events } from "@slipway/api/containerd/services/events/v1/events_pb";
import { ImageDamagedSchema } from "@slipway/api/slipway/services/integrity/v1/integrity_pb";
import type { Envelope as EnvelopeMessage } from "@slipway/api/containerd/types/types_pb";
import type { Any } from "@slipway/core/any";
import type { Envelope, EventJournal, JournalRange, RecordedEvent } from "@slipway/core/events";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Calls } from "../connect/calls.ts";
import { fromAny, required, toAny, toDate } from "../connect/messages.ts";
import { toTimestamp } from "@slipway/rpc/timestamp";
import { readPayload } from "@slipway/rpc/read-message";

/** The daemon's events: of all namespaces unless a filter such as `namespace==default` narrows them. */
export class RemoteEvents implements EventJournal {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Events that match any of the filters, from now on, until the iteration is left or `signal` aborts. */
  async *subscribe(
    filters: readonly string[] = [],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Envelope> {
    const request = { filters: [...filters] };
    for await (const envelope of this.#calls.serverStream(Events.method.subscribe, request, signal)) {
      yield fromMessage(envelope);
    }
  }

  /**
   * Events that match any of the filters, those first that happened before. Who is cut off goes on `after` the last sequence
   * that it has seen, and gets each event once. Only slipwayd keeps events; another daemon fails with `unimplemented`.
   * @throws {Fault} `out_of_range` when some of what came after `after` is not kept any more
   */
  async *read(
    filters: readonly string[] = [],
    { after = 0, since, follow = false, signal }: JournalRange = {},
  ): AsyncGenerator<RecordedEvent> {
    const request = {
      filters: [...filters],
      after: BigInt(after),
      ...(since ? { since: toTimestamp(since) } : {}),
      follow,
    };
    try {
      for await (const { sequence, envelope } of this.#calls.serverStream(
        Journal.method.read,
        request,
        signal,
      )) {
        yield { sequence: Number(sequence), ...fromMessage(required(envelope, "envelope")) };
      }
    } catch (error) {
      if (!hasCode(error, "unimplemented")) throw error;
      throw new Fault("unimplemented", "Cannot read past events: this daemon keeps none", { cause: error });
    }
  }

  /** Tells of something that happened now in the client's namespace. `topic` is a path such as `/tasks/oom`. */
  async publish(topic: string, event: Any): Promise<void> {
    await this.#calls.unary(Events.method.publish, { topic, event: toAny(event) });
  }

  /** Hands an event to the daemon as somebody else published it. */
  async forward(envelope: Envelope): Promise<void> {
    const { namespace, topic, event, timestamp } = envelope;
    await this.#calls.unary(Events.method.forward, {
      envelope: { timestamp: toTimestamp(timestamp), namespace, topic, event: toAny(event) },
    });
  }
}

function fromMessage({ namespace, topic, event, timestamp }: EnvelopeMessage): Envelope {
  return { timestamp: toDate(timestamp), namespace, topic, event: fromAny(required(event, "event")) };
}

/** containerd's events, those of images among them, which are in another package than all others, and our own. */
const registry = createRegistry(
  file_containerd_events_events,
  file_slipway_events_v1_containers,
  ImageCreateSchema,
  ImageUpdateSchema,
  ImageDeleteSchema,
  ImageDamagedSchema,
  ImagePullProgressSchema,
);

/** The event's fields; undefined if it is none of containerd's or ours, or its bytes cannot be read. */
export function decodeEvent({ event }: Envelope): Record<string, unknown> | undefined {
  const schema = registry.getMessage(event.typeUrl.replace(/^.*\//, ""));
  const payload = schema && readPayload(schema, event);
  return payload && { ...payload };
}
