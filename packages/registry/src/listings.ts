import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import type { Index } from "@slipway/oci/image";
import { mediaTypes } from "@slipway/oci/media-types";
import { drain } from "./http/drain.ts";
import { readBody } from "./http/failure.ts";
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
  for (let path: string | URL | undefined = "/tags/list"; path !== undefined;) {
    const from: string | URL = path;
    const [next, body] = await hosts.anyOf(["pull", "resolve"], name, async (session) => {
      const answer = await session.call("GET", from, options);
      if (answer.statusCode !== 200) throw await session.failure(answer, options.what);
      const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.link?.toString() ?? "")?.[1];
      const page = link === undefined ? undefined : new URL(link, session.endpoint.base);
      return [page, await readBody(answer, maxManifestBytes)] as const;
    });
    const { tags } = JSON.parse(body.toString()) as { tags?: string[] | null };
    yield* tags ?? [];
    path = next;
  }
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
        if (response.statusCode === 200) return await readBody(response, maxManifestBytes);
        if (![400, 404, 405].includes(response.statusCode ?? 0)) throw await session.failure(response, what);
        drain(response);
      }
      throw new Fault("not_found", `${subject}: not found`);
    });
    const { manifests = [] } = JSON.parse(found.toString()) as Partial<Index>;
    return manifests.filter((one) => artifactType === undefined || one.artifactType === artifactType);
  } catch (error) {
    if (hasCode(error, "not_found")) return [];
    throw error;
  }
}
