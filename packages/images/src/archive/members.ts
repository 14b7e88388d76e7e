import { TarDecoder } from "@slipway/layers/tar/decoder";
import type { TarEntry } from "@slipway/layers/tar/entry";

export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  /** Valid until the next event is asked for. */
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "end" };

/**
 * Whoever writes the archive into a pipe must be able to write all of it: tar pads its end to whole records, of 10 KiB by
 * default. A source without an end, such as /dev/zero, has an end mark, too.
 */
const maxPaddingBytes = 16 * 1024 * 1024;

/** What a tar has, as it comes. @throws {Fault} `invalid_argument`, `data_loss` */
export async function* tarEvents(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEvent> {
  let events: TarEvent[] = [];
  const decoder = new TarDecoder({
    entry: (entry) => void events.push({ kind: "entry", entry }),
    data: (data) => void events.push({ kind: "data", data }),
    end: () => void events.push({ kind: "end" }),
  });
  let paddingBytes = 0;
  for await (const chunk of source) {
    if (decoder.isAtEnd && (paddingBytes += chunk.length) > maxPaddingBytes) return;
    decoder.write(chunk);
    yield* events;
    events = [];
  }
  decoder.end();
}
