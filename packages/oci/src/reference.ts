import { Fault } from "@slipway/fault/fault";
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

/**
 * Parses a full reference, with its host, as ctr takes it.
 * The grammar is https://github.com/distribution/reference's.
 * @throws {Fault} `invalid_argument`
 */
export function parseReference(text: string): Reference {
  const slash = text.indexOf("/");
  if (slash <= 0) throw invalid(text, "no host");
  const host = text.slice(0, slash);
  if (!hostPattern.test(host)) throw invalid(text, `host "${host}" is malformed`);
  const [named, digest] = splitAt(text.slice(slash + 1), "@");
  const colon = named.lastIndexOf(":");
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (!pathPattern.test(repository) || repository.length > 255)
    throw invalid(text, `repository "${repository}" is malformed`);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `tag "${tag}" is malformed`);
  return {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
  };
}

/**
 * Parses what people type: `busybox` is `docker.io/library/busybox:latest`.
 * @throws {Fault} `invalid_argument`
 */
export function parseFamiliarReference(text: string): Reference {
  const first = text.split("/")[0] ?? "";
  const hasHost = text.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const full = hasHost ? text : `docker.io/${text.includes("/") ? text : `library/${text}`}`;
  const reference = parseReference(full);
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: "latest" }
    : reference;
}

export function formatReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The shortest form that parseFamiliarReference reads back: Docker's words for it. */
export function familiarReference(reference: Reference): string {
  const full = formatReference(reference);
  return full.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, "");
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot parse reference "${text}": ${why}`);
}
