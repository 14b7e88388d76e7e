import type { IncomingHttpHeaders } from "node:http";

/** An answer whose body has not been read: of either version of HTTP. Its bytes are read once. */
export interface HttpResponse extends AsyncIterable<unknown> {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Headers that came several times, one by one. */
  readonly headersDistinct: NodeJS.Dict<string[]>;
  /** Throws the body away; the connection can be used again. */
  resume(): unknown;
  /** Gives the answer up, and its connection if need be. */
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}
