import { Fault } from "@slipway/fault/fault";
import { headerOf, type HttpAnswer, type HttpResponse } from "./response.ts";
import { answerer } from "./shown-url.ts";

/** Whether a body is a page for people, as login pages and proxies send them with any status and type. */
export function isPage(body: Uint8Array | string): boolean {
  const start = typeof body === "string" ? body.slice(0, 200) : Buffer.from(body.subarray(0, 200)).toString();
  return /^[\s\ufeff]*<(?:!doctype html|html|head|body|script|!--)/i.test(start);
}

/** Whether an answer says that its body is such a page. */
export function saysPage(response: HttpAnswer): boolean {
  const type = headerOf(response, "content-type") ?? "";
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type);
}

/** The title of a page, such as ` titled "Please log in"`; empty without one. */
export function titleOf(text: string): string {
  const title = /<title[^>]*>([^<]{1,200})/i
    .exec(text.slice(0, 8192))?.[1]
    ?.replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return title === undefined || title === "" ? "" : ` titled ${JSON.stringify(title.slice(0, 80))}`;
}

/** The failure of an answer that is a page in the place of something else. */
export function pageInstead(
  response: HttpResponse,
  what: string,
  wanted: string,
  body: Uint8Array | string = "",
): Fault {
  const page = `an HTML page${titleOf(Buffer.from(body).toString("utf8", 0, 8192))}, not ${wanted}`;
  const hint = "a proxy or a login page may be in between";
  return new Fault(
    "failed_precondition",
    `Cannot ${what}: ${answerer(response)} answered with ${page}: ${hint}`,
  );
}
