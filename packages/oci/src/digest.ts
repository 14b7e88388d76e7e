import { createHash, type Hash } from "node:crypto";
import { Fault } from "@slipway/fault/fault";

declare const digestBrand: unique symbol;

/** A content digest that was checked to be well formed, such as `sha256:` and 64 hex digits. */
export type Digest = string & { readonly [digestBrand]: true };

const hexLength: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Parses a digest as https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests defines it.
 * @throws {Fault} `invalid_argument` when it is malformed or its algorithm is not known here.
 */
export function parseDigest(text: string): Digest {
  const [algorithm, hex] = splitOnce(text);
  const expected = hexLength[algorithm];
  if (
    hex === undefined ||
    !/^[a-z0-9]+(?:[+._-][a-z0-9]+)*$/.test(algorithm) ||
    !/^[a-zA-Z0-9=_-]+$/.test(hex)
  ) {
    throw new Fault("invalid_argument", "invalid checksum digest format");
  }
  if (expected === undefined) throw new Fault("invalid_argument", "unsupported digest algorithm");
  if (hex.length !== expected) throw new Fault("invalid_argument", "invalid checksum digest length");
  if (!/^[a-f0-9]+$/.test(hex)) throw new Fault("invalid_argument", "invalid checksum digest format");
  return text as Digest;
}

/** The algorithm's name: `sha256`. */
export function algorithmOf(digest: Digest): string {
  return splitOnce(digest)[0];
}

/** The digest without its algorithm. */
export function hexOf(digest: Digest): string {
  return splitOnce(digest)[1] ?? "";
}

/** The sha256 digest of some bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return digestFromHash(createHash("sha256").update(bytes));
}

/** Ends a running sha256 hash and gives its digest. */
export function digestFromHash(hash: Hash, algorithm = "sha256"): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf(":");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
