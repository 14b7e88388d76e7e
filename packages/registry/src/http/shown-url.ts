import type { HttpResponse } from "./response.ts";

/** An address as messages show it: values in its query may be secrets, as those of signed addresses are. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  if (shown.password !== "") shown.password = "REDACTED";
  shown.search = url.search.replaceAll(/([?&])([^=&]*)=([^&]+)/g, (whole, mark: string, name: string) =>
    ["ns", "scope", "service", "digest", "mount", "from"].includes(name) ? whole : `${mark}${name}=REDACTED`,
  );
  shown.hash = "";
  return shown.href.length > maxShown ? `${shown.href.slice(0, maxShown)}…` : shown.href;
}

const maxShown = 400;

/** Who gave an answer, in words that begin a sentence: `HEAD https://registry.example/v2/app/manifests/1`. */
export function answerer({ exchange: { method, askedUrl, answeredUrl } }: HttpResponse): string {
  const asked = `${method} ${shownUrl(askedUrl)}`;
  if (askedUrl.href === answeredUrl.href) return asked;
  // Where plain HTTP had to be spoken, only the scheme differs.
  const isFallback = askedUrl.href.slice(askedUrl.protocol.length) === answeredUrl.href.slice(5);
  return isFallback && answeredUrl.protocol === "http:"
    ? `${method} ${shownUrl(answeredUrl)}`
    : `${asked}, redirected to ${shownUrl(answeredUrl)},`;
}
