import type { MessageInitShape } from "@bufbuild/protobuf";
import { Events } from "@slipway/api/containerd/services/events/v1/events_pb";
import { Events as ShimEvents } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import type { Envelope as EnvelopeMessage, EnvelopeSchema } from "@slipway/api/containerd/types/types_pb";
import { fromAny } from "@slipway/client/messages";
import { fromTimestamp, toTimestamp } from "@slipway/rpc/timestamp";
import { Journal as JournalService } from "@slipway/api/slipway/services/events/v1/journal_pb";
import type { Envelope, EventExchange, EventJournal } from "@slipway/core/events";
import { now } from "@slipway/fault/precise-date";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { required } from "./required.ts";
import { namespaceOf } from "./scope.ts";

export function eventsService(exchange: EventExchange): ServiceRegistration {
  return serve(Events, {
    publish({ topic, event }, context) {
      const namespace = namespaceOf(context);
      exchange.announce({
        timestamp: now(),
        namespace,
        topic,
        event: fromAny(required(event, "event")),
      });
      return {};
    },
    forward({ envelope }) {
      exchange.forward(fromMessage(envelope));
      return {};
    },
    async *subscribe({ filters }, { signal }) {
      for await (const envelope of exchange.subscribe(filters, { signal })) yield toMessage(envelope);
    },
  });
}

/** What happened before a client came. */
export function journalService(journal: EventJournal): ServiceRegistration {
  return serve(JournalService, {
    async *read({ filters, after, since, follow }, { signal }) {
      const from = fromTimestamp(since);
      const range = { after: Number(after), ...(from ? { since: from } : {}), follow, signal };
      for await (const event of journal.read(filters, range)) {
        yield { sequence: BigInt(event.sequence), envelope: toMessage(event) };
      }
    },
  });
}

/** Where shims forward to, over ttrpc. */
export function shimEventsService(exchange: EventExchange): ServiceRegistration {
  return serve(ShimEvents, {
    forward({ envelope }) {
      exchange.forward(fromMessage(envelope));
      return {};
    },
  });
}

function fromMessage(message: EnvelopeMessage | undefined): Envelope {
  const { timestamp, namespace, topic, event } = required(message, "envelope");
  return {
    timestamp: required(fromTimestamp(timestamp), "timestamp"),
    namespace,
    topic,
    event: fromAny(required(event, "event")),
  };
}

function toMessage(envelope: Envelope): MessageInitShape<typeof EnvelopeSchema> {
  const { timestamp, namespace, topic, event } = envelope;
  return { timestamp: toTimestamp(timestamp), namespace, topic, event };
}
