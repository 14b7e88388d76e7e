import type { HttpResponse } from "./response.ts";

/** What a registry wants its users to read: distribution-spec, "Warnings". Anything but `299 - "text"` is left out. */
export function warningsOf(response: HttpResponse): string[] {
  const values = response.headersDistinct["warning"] ?? [];
  return values.flatMap((value) => {
    const quoted = /^299 - "((?:[^"\\]|\\.)*)"$/.exec(value.trim())?.[1];
    return quoted === undefined ? [] : [quoted.replaceAll(/\\(.)/g, "$1")];
  });
}
