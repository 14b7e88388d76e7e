import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { optional, readDescriptor } from "@slipway/oci/documents/descriptor";
import { parseJson } from "@slipway/oci/documents/json-field";
import type { Index } from "@slipway/oci/image";
import { parseIndex } from "@slipway/oci/documents/manifest";
import { mediaTypes } from "@slipway/oci/media-types";
import { readBody } from "./http/failure.ts";
import { answerer } from "./http/shown-url.ts";
import { maxManifestBytes } from "./manifest.ts";
import type { Session } from "./session.ts";

/** The tag under which a registry without the referrers API keeps what refers to a manifest. */
export function referrersTag(subject: Digest): string {
  return subject.replace(":", "-");
}

interface Referrer {
  readonly subject: Descriptor;
  /** As lists have it. */
  readonly listed: Descriptor;
}

/** What a manifest refers to; undefined for most. @throws {Fault} `invalid_argument` naming the field that is wrong */
export function referrerOf({ mediaType, digest, size }: Descriptor, body: Uint8Array): Referrer | undefined {
  const manifest = parseJson(`manifest ${digest}`, body);
  const subject = optional(manifest.get("subject"), readDescriptor);
  if (!subject) return undefined;
  const artifactType = manifest.get("artifactType").text() ?? manifest.get("config").get("mediaType").text();
  const annotations = optional(manifest.get("annotations"), (field) => field.textRecord());
  const type = artifactType === undefined ? {} : { artifactType };
  return { subject, listed: { mediaType, digest, size, ...type, ...(annotations ? { annotations } : {}) } };
}

/**
 * The list that such a tag is to have, with one referrer more. Two clients that change it at once may lose one's: the
 * specification has no better way ("Pushing Manifests with Subject").
 * @returns nothing when it has it already
 */
export async function extendedList(
  session: Session,
  { subject, listed }: Referrer,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  const what = `list what refers to ${subject.digest}`;
  const base = { what, push: true, headers: { accept: mediaTypes.ociIndex }, ...(signal ? { signal } : {}) };
  const response = await session.call("GET", `/manifests/${referrersTag(subject.digest)}`, base);
  if (response.statusCode !== 200 && response.statusCode !== 404) throw await session.failure(response, what);
  const body = await readBody(response, maxManifestBytes);
  const document = `what refers to ${subject.digest} from ${answerer(response)}`;
  const known = response.statusCode === 404 ? [] : parseIndex(document, body).manifests;
  if (known.some(({ digest }) => digest === listed.digest)) return undefined;
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...known, listed] };
  return Buffer.from(JSON.stringify(index));
}
