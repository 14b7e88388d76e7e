import type { RecordedEvent } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import type { EventKeeper } from "./exchange.ts";
import type { Journal } from "./journal.ts";

/** A journal that nobody fails for: when it cannot be written, events are told all the same. */
export class SafeJournal implements EventKeeper {
  readonly #journal: Journal;
  readonly #log: Logger;
  #isFailing = false;

  constructor(journal: Journal, log: Logger) {
    this.#journal = journal;
    this.#log = log;
  }

  get last(): number {
    return this.#journal.last;
  }

  append(bytes: Uint8Array): number {
    try {
      const sequence = this.#journal.append(bytes);
      this.#isFailing = false;
      return sequence;
    } catch (error) {
      if (!this.#isFailing) this.#log.warn("cannot keep events", { error: messageOf(error) });
      this.#isFailing = true;
      return this.last;
    }
  }

  latest(count: number): Uint8Array[] {
    return this.#journal.latest(count);
  }

  after(sequence: number): RecordedEvent[] {
    return this.#journal.after(sequence);
  }

  close(): void {
    this.#journal.close();
  }
}
