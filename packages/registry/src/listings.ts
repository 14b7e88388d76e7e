import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { parseJson } from "@slipway/oci/documents/json-field";
import { parseIndex } from "@slipway/oci/documents/manifest";
import { mediaTypes } from "@slipway/oci/media-types";
import { drain } from "./http/drain.ts";
import { readBody } from "./http/failure.ts";
import { readAddress } from "./http/location.ts";
import { isPage, pageInstead } from "./http/page.ts";
import { headerOf, type HttpResponse } from "./http/response.ts";
import { answerer } from "./http/shown-url.ts";
import { maxManifestBytes } from "./manifest.ts";
import { referrersTag } from "./referrers-tag.ts";
import type { RepositoryHosts } from "./repository-hosts.ts";

/** distribution-spec, "Listing tags". */
export async function* listTags(
  hosts: RepositoryHosts,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const options = { what: `list the tags of "${name}"`, ...(signal ? { signal } : {}) };
  const seen = new Set<string>();
  for (let path: string | URL | undefined = "/tags/list"; path !== undefined;) {
    const from: string | URL = path;
    const [next, tags] = await hosts.anyOf(["pull", "resolve"], name, async (session) => {
      const answer = await session.call("GET", from, options);
      if (answer.statusCode !== 200) throw await session.failure(answer, options.what);
      const body = await readBody(answer, maxManifestBytes);
      if (isPage(body)) throw pageInstead(answer, options.what, "a list of tags", body);
      return [nextPage(answer), readTags(`the tags of "${name}" from ${answerer(answer)}`, body)] as const;
    });
    yield* tags;
    // A registry that sends its clients in circles has no more to tell.
    if (next && seen.has(next.href)) return;
    if (next) seen.add(next.href);
    path = next;
  }
}

/** Reads a page of tags: distribution-spec, "Listing tags". @throws {Fault} `failed_precondition` */
export function readTags(document: string, body: Uint8Array): string[] {
  return parseJson(document, body, { code: "failed_precondition" }).required().get("tags").texts();
}

function nextPage(answer: HttpResponse): URL | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(headerOf(answer, "link") ?? "")?.[1];
  return link === undefined ? undefined : readAddress(link, answer.exchange.answeredUrl);
}

/** distribution-spec, "Listing Referrers", and the tag of registries that do not know it. */
export async function listReferrers(
  hosts: RepositoryHosts,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Descriptor[]> {
  const what = `list what refers to ${subject}`;
  const base = { what, headers: { accept: mediaTypes.ociIndex }, ...(signal ? { signal } : {}) };
  const filtered = artifactType === undefined ? base : { ...base, query: { artifactType } };
  const ways = [
    [`/referrers/${subject}`, filtered],
    [`/manifests/${referrersTag(subject)}`, base],
  ] as const;
  try {
    const found = await hosts.anyOf(["referrers"], subject, async (session) => {
      for (const [path, options] of ways) {
        const response = await session.call("GET", path, options);
        if (response.statusCode === 200) {
          const body = await readBody(response, maxManifestBytes);
          if (isPage(body)) throw pageInstead(response, what, "an index", body);
          return parseIndex(`what refers to ${subject} from ${answerer(response)}`, body).manifests;
        }
        if (![400, 404, 405].includes(response.statusCode ?? 0)) throw await session.failure(response, what);
        drain(response);
      }
      throw new Fault("not_found", `${subject}: not found`);
    });
    return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
  } catch (error) {
    if (hasCode(error, "not_found")) return [];
    throw error;
  }
}
