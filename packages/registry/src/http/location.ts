import type { HttpAnswer } from "./response.ts";
import { headerOf } from "./response.ts";

/**
 * The address in an answer's Location header; undefined without one. It is relative to what answered: RFC 9110, section
 * 10.2.2.
 * @returns the header's text where that is no address of HTTP
 */
export function locationOf(answer: HttpAnswer, answeredUrl: URL): URL | string | undefined {
  const text = headerOf(answer, "location")?.trim();
  return text === undefined || text === "" ? undefined : (readAddress(text, answeredUrl) ?? text);
}

/**
 * An address of HTTP that somebody else gave. The bytes of its query stay as they are, because addresses are signed.
 * @param base what it is relative to, if it may be
 * @returns undefined if it is none
 */
export function readAddress(text: string, base?: URL): URL | undefined {
  // node:http gives each byte of a header as one letter.
  const encoded = text.replaceAll(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  if (!URL.canParse(encoded, base?.href)) return undefined;
  const parsed = new URL(encoded, base);
  if (!["http:", "https:"].includes(parsed.protocol) || parsed.hostname === "") return undefined;
  const query = /^[^?#]*(\?[^#]*)/.exec(encoded)?.[1];
  // With nothing but a fragment, it has the query of what it is relative to.
  const isSame = query === undefined && /^(?:#|$)/.test(encoded);
  return withExactQuery(parsed.href, isSame ? (base?.search ?? "") : (query ?? ""));
}

/** The same address with one more parameter. What it has is not written again: URLSearchParams would change its bytes. */
export function withParameter(url: URL, name: string, value: string): URL {
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  return withExactQuery(url.href, url.search === "" ? `?${parameter}` : `${url.search}&${parameter}`);
}

/** The same address by plain HTTP. */
export function overPlainHttp(url: URL): URL {
  const plain = withExactQuery(url.href, url.search);
  plain.protocol = "http:";
  return plain;
}

/**
 * An address whose query is sent as it was given. URL writes `'`, `"`, `<` and `>` as percent-encoded bytes, which Go and curl
 * leave alone: https://url.spec.whatwg.org/#query-percent-encode-set
 * @param search begins with a question mark, or is empty
 */
function withExactQuery(href: string, search: string): URL {
  const url = new URL(href);
  url.search = search;
  // What no request line can have is encoded all the same.
  const value = search === "?" ? "" : search.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent);
  return Object.defineProperty(url, "search", { value, enumerable: true });
}
