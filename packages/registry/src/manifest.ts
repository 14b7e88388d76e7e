import { createHash } from "node:crypto";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, type Digest, parseDigest } from "@slipway/oci/digest";
import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import { readBody } from "./http/failure.ts";
import { isPage, pageInstead, saysPage } from "./http/page.ts";
import { headerOf, type HttpResponse } from "./http/response.ts";
import { answerer } from "./http/shown-url.ts";

/** As containerd has it: an index of this size is an attack or a mistake. */
export const maxManifestBytes = 4 * 1048 * 1048;

/** What was asked for: a name for messages, and the digest if that is part of it. */
export interface Asked {
  /** Such as `registry.example/team/app:1.0`. */
  readonly name: string;
  readonly digest?: Digest;
}

/**
 * The descriptor that an answer to HEAD claims. What it claims of itself is believed only if it is complete, and fits what
 * was asked for; the bytes are verified against it when they are fetched.
 * @returns undefined if only the manifest itself can tell
 * @throws {Fault} `data_loss` when it is another one's, `failed_precondition` for schema 1, `resource_exhausted` when it is too large
 */
export function claimedDescriptor(head: HttpResponse, asked: Asked): Descriptor | undefined {
  const mediaType = mediaTypeOf(head);
  // The body will show what kind of page it is.
  if (head.statusCode !== 200 || saysPage(head)) return undefined;
  if (isSchema1(mediaType)) throw schema1(asked);
  const digest = checkedDigest(head, asked.digest, `resolve "${asked.name}"`) ?? asked.digest;
  const size = Number(/^\d+$/.exec(headerOf(head, "content-length") ?? "")?.[0] ?? 0);
  if (size > maxManifestBytes) throw tooLarge(head, asked, size);
  const isKnown = isIndex(mediaType) || isManifest(mediaType);
  return isKnown && digest !== undefined && size > 0 ? { mediaType, digest, size } : undefined;
}

/**
 * The descriptor of a manifest that was answered. Its type is what the answer says, or where that says nothing of use, what
 * the manifest says, or is: containerd's validateMediaType and Docker's detectManifestMediaType.
 * @throws {Fault} `data_loss` when it is another one than was asked for, `failed_precondition` when it is no manifest, one of
 *   schema 1, or one that others would read differently: https://github.com/advisories/GHSA-77vh-xpmg-72qh
 */
export async function describeManifest(response: HttpResponse, asked: Asked): Promise<Descriptor> {
  const body = await readBody(response, maxManifestBytes);
  const what = `resolve "${asked.name}"`;
  if (isPage(body)) throw pageInstead(response, what, "a manifest", body);
  const claimed = asked.digest ?? checkedDigest(response, undefined, what);
  const algorithm = claimed === undefined ? "sha256" : algorithmOf(claimed);
  const digest = parseDigest(`${algorithm}:${createHash(algorithm).update(body).digest("hex")}`);
  if (claimed !== undefined && claimed !== digest) {
    const why = `${answerer(response)} answered with ${digest}, not ${claimed}`;
    throw new Fault("data_loss", `Cannot ${what}: ${why}`);
  }
  checkedDigest(response, asked.digest, what);
  const mediaType = typeOf(body, mediaTypeOf(response), asked, response);
  return { mediaType, digest, size: body.length };
}

/** The digest that a registry says it stored or has. @throws {Fault} `data_loss` when it is another than was asked for */
export function checkedDigest(
  response: HttpResponse,
  digest: Digest | undefined,
  what: string,
): Digest | undefined {
  const text = headerOf(response, "docker-content-digest");
  if (text === undefined || !/^[a-z0-9]+:[a-f0-9]+$/.test(text)) return undefined;
  let said: Digest;
  try {
    said = parseDigest(text);
  } catch {
    // Whatever it is, the bytes are hashed here.
    return undefined;
  }
  // By another algorithm it may well be the same thing.
  if (digest === undefined || algorithmOf(said) !== algorithmOf(digest) || said === digest) return said;
  const why = `${answerer(response)} answered that it is ${said}, not ${digest}`;
  throw new Fault("data_loss", `Cannot ${what}: ${why}`);
}

function mediaTypeOf(response: HttpResponse): string {
  return (headerOf(response, "content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function typeOf(body: Buffer, said: string, asked: Asked, response: HttpResponse): string {
  if (isSchema1(said)) throw schema1(asked);
  const document = `the manifest of "${asked.name}" from ${answerer(response)}`;
  const field = parseJson(document, body, { code: "failed_precondition" }).required();
  const own = field.get("mediaType").text() ?? "";
  const shape = shapeOf(field);
  if (shape === "schema 1" || isSchema1(own)) throw schema1(asked);
  const types = [said, own].filter((type) => isIndex(type) || isManifest(type));
  const wrong = types.find((type) => isIndex(type) !== (shape === "index"));
  if (wrong !== undefined) throw field.refuse(`is called ${wrong}, but has the fields of ${aOr(shape)}`);
  const [type] = types;
  if (type !== undefined) return type;
  return shape === "index" ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

/** What a document is by its fields. @throws {Fault} when it is nothing of what is known, or several things */
function shapeOf(field: JsonField): "index" | "manifest" | "schema 1" {
  const has = (name: string): boolean => !field.get(name).isMissing;
  const shapes = [
    ...(has("manifests") ? (["index"] as const) : []),
    ...(has("layers") || has("config") ? (["manifest"] as const) : []),
    ...(has("fsLayers") ? (["schema 1"] as const) : []),
  ];
  const [shape, other] = shapes;
  if (other !== undefined) throw field.refuse(`has the fields of ${aOr(shape)} and of ${aOr(other)}`);
  if (shape !== undefined) return shape;
  if (field.get("schemaVersion").integer() === 1) return "schema 1";
  throw field.refuse("has none of the fields of a manifest");
}

function aOr(shape: string | undefined): string {
  return shape === "index" ? "an index" : `a ${shape === "manifest" ? shape : "manifest of schema 1"}`;
}

function isSchema1(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(mediaType);
}

function schema1({ name }: Asked): Fault {
  const way = "build or push it again with a current Docker, or copy it with skopeo and --format v2s2";
  return new Fault(
    "failed_precondition",
    `"${name}" is a Docker schema 1 image, which is not supported; ${way}`,
  );
}

function tooLarge(response: HttpResponse, { name }: Asked, size: number): Fault {
  const why = `${answerer(response)} announces a manifest of ${size} bytes, more than ${maxManifestBytes}`;
  return new Fault("resource_exhausted", `Cannot resolve "${name}": ${why}`);
}
