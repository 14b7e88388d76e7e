import { Fault, messageOf } from "@slipway/fault/fault";
import { type Digest, parseDigest } from "./digest.ts";

/** An image's name at a registry: `host[:port]/path[:tag][@digest]`. */
export interface Reference {
  /** With its port, such as `registry.example:5000`. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const hostPattern =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::\d+)?$|^\[[a-fA-F0-9:]+\](?::\d+)?$/;
const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const longestRepository = 255;

/**
 * Parses a full reference, with its host, as ctr takes it.
 * The grammar is https://github.com/distribution/reference's.
 * @throws {Fault} `invalid_argument`
 */
export function parseReference(text: string): Reference {
  const slash = text.indexOf("/");
  if (slash <= 0) throw invalid(text, "no host");
  return parseParts(text, text.slice(0, slash), text.slice(slash + 1));
}

/**
 * Parses what people type: `busybox` is `docker.io/library/busybox:latest`, and so is `index.docker.io/busybox`.
 * The rules are those of ParseNormalizedNamed and TagNameOnly in https://github.com/distribution/reference.
 * @throws {Fault} `invalid_argument`, also for what can only be an id: 64 hexadecimal digits, or a digest alone
 */
export function parseFamiliarReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) throw invalid(text, "64 hexadecimal digits are an id, not a name");
  // Docker refuses such a tag: it could not be told from a digest.
  if (text.startsWith("sha256:")) throw invalid(text, "a digest is not a name");
  const [host, path] = splitHost(text);
  const reference = parseParts(text, host, path);
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: "latest" }
    : reference;
}

/**
 * The name under which the image that people mean by a text is stored. A tag beside a digest says nothing and is left out,
 * as ParseDockerRef in https://github.com/distribution/reference does.
 * @throws {Fault} `invalid_argument`
 */
export function canonicalName(text: string): string {
  const { tag, digest, ...named } = parseFamiliarReference(text);
  if (digest !== undefined) return formatReference({ ...named, digest });
  return formatReference({ ...named, ...(tag === undefined ? {} : { tag }) });
}

/**
 * The name under which a new image is stored: a digest is not a matter of choice.
 * @throws {Fault} `invalid_argument`
 */
export function newImageName(text: string): string {
  if (parseFamiliarReference(text).digest === undefined) return canonicalName(text);
  throw new Fault("invalid_argument", `Cannot name an image "${text}": its digest cannot be chosen`);
}

export function formatReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The shortest form that parseFamiliarReference reads back: what Docker calls the familiar form. */
export function familiarReference(reference: Reference): string {
  const full = formatReference(reference);
  return full.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, "");
}

const hubHost = "docker.io";

/** The first part is a host when it cannot be a part of a path. Docker Hub has an older name, and a folder for short names. */
function splitHost(text: string): [string, string] {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  if (isHost && first !== hubHost && first !== `index.${hubHost}`) return [first, text.slice(slash + 1)];
  const path = isHost ? text.slice(slash + 1) : text;
  return [hubHost, path.includes("/") ? path : `library/${path}`];
}

function parseParts(text: string, host: string, path: string): Reference {
  if (!hostPattern.test(host)) throw invalid(text, `host "${host}" is malformed`);
  const [named, digest] = splitAt(path, "@");
  const colon = named.lastIndexOf(":");
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (repository.toLowerCase() !== repository) {
    throw invalid(text, `repository "${repository}" is not in lower case`);
  }
  if (!pathPattern.test(repository)) throw invalid(text, `repository "${repository}" is malformed`);
  if (repository.length > longestRepository) {
    throw invalid(text, `the repository has more than ${longestRepository} characters`);
  }
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `tag "${tag}" is malformed`);
  return {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digestIn(text, digest) }),
  };
}

function digestIn(text: string, digest: string): Digest {
  try {
    return parseDigest(digest);
  } catch (error) {
    throw invalid(text, messageOf(error));
  }
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot parse reference "${text}": ${why}`);
}
