import { withoutPadding } from "./frame-parser.ts";
import { type Field, HeaderDecoder } from "./header-decoder.ts";
import { ConnectionError, ErrorCode, Flag, protocolError, sizeError } from "./protocol.ts";

/** Of one call's headers, as they come and as they are read. */
export const maxHeaderBytes = 256 * 1024;

/** A call's headers, whole. */
export interface HeaderBlock {
  readonly streamId: number;
  /** Whether nothing follows them. */
  readonly isLast: boolean;
  readonly fields: readonly Field[];
}

/** Puts the frames of headers together, which no other frames may come between, and reads them. */
export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder(maxHeaderBytes);
  #open:
    | { readonly streamId: number; readonly isLast: boolean; readonly parts: Uint8Array[]; bytes: number }
    | undefined;

  /** Whether a block has begun whose end has not come. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** @returns the block when its end has come */
  begin(flags: number, streamId: number, payload: Uint8Array): HeaderBlock | undefined {
    let part = flags & Flag.padded ? withoutPadding(payload) : payload;
    if (flags & Flag.priority) {
      if (part.length < 5) throw sizeError();
      part = part.subarray(5);
    }
    if (streamId % 2 === 0) throw protocolError("headers on a stream that is not a client's");
    this.#open = { streamId, isLast: (flags & Flag.endStream) !== 0, parts: [], bytes: 0 };
    return this.continue(flags, streamId, part);
  }

  continue(flags: number, streamId: number, part: Uint8Array): HeaderBlock | undefined {
    const block = this.#open;
    if (block?.streamId !== streamId) throw protocolError("a continuation of nothing");
    block.parts.push(part);
    // Empty ones count, too.
    block.bytes += part.length + 1;
    if (block.bytes > maxHeaderBytes) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "headers are too long");
    }
    if (!(flags & Flag.endHeaders)) return undefined;
    this.#open = undefined;
    const [only] = block.parts;
    const whole = block.parts.length === 1 && only ? only : Buffer.concat(block.parts);
    return { streamId, isLast: block.isLast, fields: this.#decoder.decode(whole) };
  }
}
