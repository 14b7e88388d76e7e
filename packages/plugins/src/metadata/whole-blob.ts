import type { ContentInfo, ContentProvider, ReadOptions } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";

/**
 * Reads a blob of which the metadata knows how long it is: a file that is gone, or has another length, is damage.
 * @throws {Fault} `data_loss`, which says what can be done
 */
export async function* wholeBlob(
  content: ContentProvider,
  { digest, sizeBytes }: Pick<ContentInfo, "digest" | "sizeBytes">,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  const { offset = 0, length = Number.POSITIVE_INFINITY } = options;
  const wanted = Math.min(length, Math.max(0, sizeBytes - offset));
  let read = 0;
  try {
    for await (const chunk of content.read(digest, options)) {
      read += chunk.length;
      if (read > wanted) throw damaged(digest, `it has more than its ${sizeBytes} bytes`);
      yield chunk;
    }
  } catch (error) {
    if (hasCode(error, "not_found")) throw damaged(digest, `its ${sizeBytes} bytes are gone`, error);
    // Beyond the end of the file, and not of the blob.
    if (hasCode(error, "out_of_range") && offset <= sizeBytes) throw cutOff(digest, sizeBytes);
    throw error;
  }
  if (read < wanted) throw cutOff(digest, sizeBytes);
}

function cutOff(digest: string, sizeBytes: number): Fault {
  return damaged(digest, `it has less than its ${sizeBytes} bytes`);
}

function damaged(digest: string, why: string, cause?: unknown): Fault {
  return new Fault("data_loss", `blob ${digest} is damaged: ${why}: pull its image again`, { cause });
}
