import { EventEmitter, once } from "node:events";
import type { Client } from "@slipway/client/client";
import { decodeEvent } from "@slipway/client/events";

/** An event of a task, in short: its topic, and the exec it is about. */
export interface Told {
  readonly topic: string;
  readonly containerId: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a daemon tells of the tasks of one namespace, as it comes. */
export class EventLog implements AsyncDisposable {
  readonly #told: Told[] = [];
  readonly #changes = new EventEmitter();
  readonly #leave = new AbortController();
  readonly #ended: Promise<void>;

  constructor(client: Client) {
    this.#ended = this.#record(client);
  }

  /** The topics of a container's events so far, an exec's with its id. */
  topics(containerId: string): string[] {
    return this.#of(containerId).map(({ topic, fields }) => {
      const execId = fields["execId"] ?? (topic === "/tasks/exit" ? fields["id"] : undefined);
      return typeof execId !== "string" || execId === containerId ? topic : `${topic} ${execId}`;
    });
  }

  /** The first event of the container with that topic, now or when it comes. */
  async first(containerId: string, topic: string): Promise<Told> {
    for (;;) {
      const found = this.#of(containerId).find((told) => told.topic === topic);
      if (found) return found;
      await once(this.#changes, "change");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#ended;
  }

  #of(containerId: string): Told[] {
    return this.#told.filter((told) => told.containerId === containerId);
  }

  async #record(client: Client): Promise<void> {
    const filters = [`namespace==${client.namespace},topic~=^/tasks/`];
    try {
      for await (const envelope of client.events.subscribe(filters, { signal: this.#leave.signal })) {
        const fields = decodeEvent(envelope) ?? {};
        this.#told.push({ topic: envelope.topic, containerId: String(fields["containerId"]), fields });
        this.#changes.emit("change");
      }
    } catch {
      // The daemon was ended, or this scope left.
    }
  }
}
