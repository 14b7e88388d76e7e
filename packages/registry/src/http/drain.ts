import type { HttpAnswer } from "./response.ts";

/** More is not worth a connection that can be used again. */
const maxBytes = 64 * 1024;

/** Throws an answer's body away, and its connection with it where that would take long. */
export function drain(answer: HttpAnswer): void {
  const read = async (): Promise<void> => {
    let left = maxBytes;
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      if (left < 0) break;
    }
  };
  // Nobody waits for these bytes.
  read().catch(() => {});
}
