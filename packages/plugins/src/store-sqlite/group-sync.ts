import { fdatasync } from "node:fs";
import { promisify } from "node:util";
import { Fault, messageOf } from "@slipway/fault/fault";

const sync = promisify(fdatasync);

/**
 * Makes a file's writes durable, one sync for all that came while the previous one ran. The syncs run on libuv's pool:
 * a slow disk makes answers wait, not the event loop.
 */
export class GroupSync {
  readonly #fd: number;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #failure: Fault | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws {Fault} `unavailable` after a sync that failed */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when everything that was written before the call is durable. */
  async flushed(): Promise<void> {
    // A sync that runs already may have begun before the write: only the next one counts.
    this.#waiting ??= this.#after(this.#running);
    await this.#waiting;
  }

  /** Resolves when no sync runs and none is due. */
  async idle(): Promise<void> {
    await (this.#waiting ?? this.#running)?.catch(() => undefined);
  }

  async #after(previous: Promise<void> | undefined): Promise<void> {
    await previous;
    this.#running = this.#waiting;
    this.#waiting = undefined;
    this.check();
    try {
      await sync(this.#fd);
    } catch (error) {
      // Linux may drop the pages that it could not write and let the next sync succeed: nothing after this is certain.
      this.#failure = new Fault("unavailable", `Cannot make the store durable: ${messageOf(error)}`, {
        cause: error,
      });
      throw this.#failure;
    }
  }
}
