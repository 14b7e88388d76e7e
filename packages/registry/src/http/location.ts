import type { HttpAnswer } from "./response.ts";
import { headerOf } from "./response.ts";

/**
 * The address in an answer's Location header; undefined without one. It is relative to what answered: RFC 9110, section
 * 10.2.2. Its percent-encoded bytes stay as they are, because addresses are signed.
 * @returns the header's text where that is no address of HTTP
 */
export function locationOf(answer: HttpAnswer, answeredUrl: URL): URL | string | undefined {
  const text = headerOf(answer, "location")?.trim();
  if (text === undefined || text === "") return undefined;
  // node:http gives each byte of a header as one letter.
  const encoded = text.replaceAll(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  const url = URL.canParse(encoded, answeredUrl.href) ? new URL(encoded, answeredUrl) : undefined;
  return url && ["http:", "https:"].includes(url.protocol) && url.hostname !== "" ? url : text;
}

/** The same address with one more parameter. What it has is not written again: URLSearchParams would change its bytes. */
export function withParameter(url: URL, name: string, value: string): URL {
  const extended = new URL(url);
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  extended.search = url.search === "" ? parameter : `${url.search}&${parameter}`;
  return extended;
}
