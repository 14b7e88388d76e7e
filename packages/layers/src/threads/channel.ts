import type { MessagePort } from "node:worker_threads";
import { codeOf, Fault, messageOf, systemCauseOf } from "@slipway/fault/fault";
import type { Answers, Message, SentFault, WorkKind } from "./messages.ts";

interface Hears {
  readonly onIgnored?: ((what: string) => void) | undefined;
  /** The other side took bytes out of the ring. */
  readonly onTaken?: () => void;
}

// Chunks on the way to the other thread: enough that neither side waits for the other.
const maxAhead = 4;

/** One job's line between two threads: bytes that come out of it, with back-pressure, and one answer. */
export class Channel implements Disposable {
  readonly #port: MessagePort;
  readonly #hears: Hears;
  readonly #received: Uint8Array[] = [];
  readonly #answer = Promise.withResolvers<Answers[WorkKind]>();
  #ahead = 0;
  #isEnded = false;
  #failure: Fault | undefined;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort, hears: Hears = {}) {
    this.#port = port;
    this.#hears = hears;
    this.#answer.promise.catch(() => {
      // Who waits for bytes gets it, too.
    });
    port.on("message", (message: Message) => this.#take(message));
  }

  /** What the other side answers. @throws {Fault} its failure */
  async answer(): Promise<Answers[WorkKind]> {
    return await this.#answer.promise;
  }

  send(message: Message): void {
    this.#port.postMessage(message);
  }

  /** Sends bytes, ahead of the other side by some chunks. @throws {Fault} its failure */
  async write(bytes: Uint8Array): Promise<void> {
    this.#ahead += 1;
    // A copy of the bytes alone: cloning would copy all of the memory that they are a part of.
    const copy = new Uint8Array(bytes);
    this.#port.postMessage({ kind: "bytes", bytes: copy } satisfies Message, [copy.buffer]);
    while (this.#ahead >= maxAhead) await this.#woken();
  }

  /** What the other side sends. @throws {Fault} its failure */
  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#received.shift();
      if (bytes) {
        this.send({ kind: "taken" });
        yield bytes;
      } else if (this.#isEnded) return;
      else await this.#woken();
    }
  }

  /** Ends both directions with a failure, here or there. */
  fail(error: unknown): void {
    const fault =
      error instanceof Fault ? error : new Fault(codeOf(error), messageOf(error), { cause: error });
    this.#failure = fault;
    this.#answer.reject(fault);
    this.#wake?.();
  }

  /** Tells the other side of a failure. */
  sendFailure(error: unknown): void {
    const [code, message, systemCause] = [codeOf(error), messageOf(error), systemCauseOf(error)];
    this.send({ kind: "failed", fault: { code, message, systemCause } });
  }

  [Symbol.dispose](): void {
    this.#port.close();
  }

  async #woken(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure) throw this.#failure;
  }

  #taken(): void {
    this.#ahead -= 1;
    this.#hears.onTaken?.();
  }

  #take(message: Message): void {
    if (message.kind === "bytes") this.#received.push(message.bytes);
    else if (message.kind === "taken") this.#taken();
    else if (message.kind === "end") this.#isEnded = true;
    else if (message.kind === "ignored") this.#hears.onIgnored?.(message.what);
    else if (message.kind === "failed") this.fail(received(message.fault));
    else {
      this.#isEnded = true;
      this.#ahead = 0;
      this.#answer.resolve(message.answer);
    }
    this.#wake?.();
  }
}

function received({ code, message, systemCause }: SentFault): Fault {
  if (systemCause === undefined) return new Fault(code, message);
  return new Fault(code, message, { cause: Object.assign(new Error(message), { code: systemCause }) });
}
