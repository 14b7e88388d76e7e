import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { connect } from "@slipway/client/connect";
import { decodeEvent } from "@slipway/client/events";
import type { RecordedEvent } from "@slipway/core/events";

/** An end that is told later than this after everything was removed is taken for lost. */
const LATE_MS = 20_000;

/** What a client hears of the tasks of one namespace that is cut off by each kill, and comes again. */
export class SoakEvents implements AsyncDisposable {
  /** The exit statuses that were told of a process, by `CONTAINER/PROCESS`. */
  readonly #ends = new Map<string, number[]>();
  readonly #started = new Set<string>();
  readonly #heard = new EventEmitter();
  readonly #leave = new AbortController();
  readonly #ended: Promise<void>;
  #after = 0;
  #counted = 0;

  constructor(address: string, namespace: string) {
    this.#ended = this.#listen(address, namespace);
  }

  /** Waits until the container's end was told: with that status, and once. */
  async expect(id: string, exitStatus: number): Promise<void> {
    await this.#until(() => this.#ends.has(`${id}/${id}`));
    assert.deepEqual(this.#ends.get(`${id}/${id}`), [exitStatus], `ends of ${id}`);
  }

  /** Waits until everything that was started has ended; nothing may have ended twice. @returns how many ends that were */
  async settle(): Promise<number> {
    await this.#until(() => this.#running().length === 0);
    const twice = [...this.#ends].filter(([, statuses]) => statuses.length > 1);
    assert.deepEqual(twice, [], "told twice");
    const count = this.#ends.size - this.#counted;
    this.#counted = this.#ends.size;
    this.#started.clear();
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#ended;
  }

  #running(): string[] {
    return [...this.#started].filter((process) => !this.#ends.has(process));
  }

  async #until(isTrue: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(LATE_MS);
    while (!isTrue()) {
      await once(this.#heard, "event", { signal: late }).catch(() => {
        assert.fail(`never told the end of ${this.#running().join(", ")}`);
      });
    }
  }

  async #listen(address: string, namespace: string): Promise<void> {
    const { signal } = this.#leave;
    while (!signal.aborted) {
      await using client = connect({ address, namespace });
      const filters = [`namespace==${namespace},topic~=^/tasks/`];
      try {
        const range = { after: this.#after, follow: true, signal };
        for await (const event of client.events.read(filters, range)) this.#note(event);
      } catch {
        // There is nothing that tells when the next daemon listens.
        await setTimeout(5);
      }
    }
  }

  #note(event: RecordedEvent): void {
    this.#after = event.sequence;
    const fields = decodeEvent(event) ?? {};
    const processOf = (field: string): string => `${String(fields["containerId"])}/${String(fields[field])}`;
    if (event.topic === "/tasks/start") this.#started.add(processOf("containerId"));
    if (event.topic === "/tasks/exec-started") this.#started.add(processOf("execId"));
    if (event.topic === "/tasks/exit") {
      const process = processOf("id");
      this.#ends.set(process, [...(this.#ends.get(process) ?? []), Number(fields["exitStatus"])]);
    }
    this.#heard.emit("event");
  }
}
