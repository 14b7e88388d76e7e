import { once } from "node:events";
import type { Readable } from "node:stream";

/** What comes out of a stream, as text: as much as there is, until a part comes, or until its end. */
export class Output {
  #text = "";
  readonly #stream: Readable;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      this.#text += chunk;
    });
  }

  /** Resolves when `part` is among what came. Fails when the stream ends without it. */
  async until(part: string): Promise<void> {
    while (!this.#text.includes(part)) {
      if (this.#stream.readableEnded) throw new Error(`"${part}" did not come, but: ${this.#text}`);
      await Promise.race([once(this.#stream, "data"), once(this.#stream, "end")]);
    }
  }

  /** All of it, once nobody can write there any more. */
  async whole(): Promise<string> {
    if (!this.#stream.readableEnded) await once(this.#stream, "end");
    return this.#text;
  }
}
