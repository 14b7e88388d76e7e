import type { IncomingHttpHeaders } from "node:http";

/** An answer whose body has not been read: of either version of HTTP. Its bytes are read once. */
export interface HttpAnswer extends AsyncIterable<unknown> {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Headers that came several times, one by one. */
  readonly headersDistinct: NodeJS.Dict<string[]>;
  /** Gives the answer up, and its connection if need be. */
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** An answer, and who gave it. */
export interface HttpResponse extends HttpAnswer {
  readonly exchange: {
    readonly method: string;
    /** What was asked first. */
    readonly askedUrl: URL;
    /** What answered, after redirects and where HTTP had to be spoken: a relative address in the answer begins here. */
    readonly answeredUrl: URL;
  };
}

/** The first value of a header, which may have come several times. */
export function headerOf(response: HttpAnswer, name: string): string | undefined {
  return response.headersDistinct[name]?.[0];
}
