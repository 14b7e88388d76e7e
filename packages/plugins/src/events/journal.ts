import { mkdirSync } from "node:fs";
import type { Envelope, RecordedEvent } from "@slipway/core/events";
import { Fault } from "@slipway/fault/fault";
import { decodeEnvelope } from "./envelope-bytes.ts";
import { framesIn, JournalFile } from "./journal-file.ts";

/**
 * The latest events, in files that outlive the daemon: two, of which the older one goes when the newer one is full. The
 * folder is in memory (/run), so a write costs a few microseconds, and the machine's end is the journal's, too.
 */
export class Journal {
  readonly #folder: string;
  readonly #fileBytes: number;
  #older: string | undefined;
  #newer: JournalFile;
  /** Of the oldest event that is kept, or would be. */
  #first: number;
  #last: number;

  /** Opens what an earlier daemon left in `folder`. `sizeBytes`: what all of it may have. */
  constructor(folder: string, sizeBytes: number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#fileBytes = sizeBytes / 2;
    const [older, newer] = JournalFile.list(folder).slice(-2) as [string?, string?];
    // A new journal begins where none that was lost can have come to: in microseconds, which events are fewer than.
    const begin = Date.now() * 1000;
    const path = newer ?? older ?? JournalFile.pathOf(folder, begin);
    this.#older = newer === undefined ? undefined : older;
    this.#newer = new JournalFile(path);
    this.#first = firstOf(older ?? path);
    this.#last = this.#frames().at(-1)?.sequence ?? firstOf(path) - 1;
  }

  /** The sequence of the event that was added last. */
  get last(): number {
    return this.#last;
  }

  /** @returns its sequence */
  append(bytes: Uint8Array): number {
    const sequence = this.#last + 1;
    if (this.#newer.sizeBytes >= this.#fileBytes) this.#begin(sequence);
    this.#newer.append(sequence, bytes);
    this.#last = sequence;
    return sequence;
  }

  /** The bytes of the latest events, at most so many. */
  latest(count: number): Uint8Array[] {
    return this.#frames()
      .slice(-count)
      .map(({ bytes }) => bytes);
  }

  /** @throws {Fault} `out_of_range` when events after that one are not kept any more */
  after(sequence: number): RecordedEvent[] {
    if (sequence !== 0 && sequence < this.#first - 1) {
      throw new Fault(
        "out_of_range",
        `Cannot go on after event ${sequence}: the oldest that is kept is ${this.#first}`,
      );
    }
    return this.#frames()
      .filter((frame) => frame.sequence > sequence)
      .map((frame) => recorded(decodeEnvelope(frame.bytes), frame.sequence));
  }

  close(): void {
    this.#newer.close();
  }

  #begin(sequence: number): void {
    for (const path of JournalFile.list(this.#folder)) {
      if (path !== this.#newer.path) new JournalFile(path).remove();
    }
    this.#newer.close();
    this.#older = this.#newer.path;
    this.#first = firstOf(this.#older);
    this.#newer = new JournalFile(JournalFile.pathOf(this.#folder, sequence));
  }

  #frames(): { readonly sequence: number; readonly bytes: Uint8Array }[] {
    const older = this.#older === undefined ? [] : framesIn(this.#older);
    return [...older, ...framesIn(this.#newer.path)];
  }
}

export function recorded(envelope: Envelope, sequence: number): RecordedEvent {
  return { ...envelope, sequence };
}

function firstOf(path: string): number {
  return Number(/(\d+)\.events$/.exec(path)?.[1]);
}
