import { parseJson } from "@slipway/oci/documents/json-field";

export interface TokenDocument {
  readonly token: string;
  readonly lifeSeconds: number;
}

/** What the specification says if the answer does not, and the least that a token is worth asking for. */
const defaultLifeSeconds = 60;
const maxLifeSeconds = 24 * 3600;

/**
 * Reads what a token server answers: https://distribution.github.io/distribution/spec/auth/token/#token-response-fields.
 * Its clock may differ from ours, so `issued_at` is not looked at.
 *
 * @param document what messages call it
 * @throws {Fault} `unauthenticated` when it has no token
 */
export function readTokenDocument(document: string, bytes: Uint8Array | string): TokenDocument {
  const answer = parseJson(document, bytes, { code: "unauthenticated" }).required();
  // Of two tokens containerd takes this one.
  const field = ["access_token", "token"].map((name) => answer.get(name)).find((one) => one.text());
  if (!field) throw answer.refuse("has no token");
  const token = field.text() ?? "";
  if (!/^[\x21-\x7e]+$/.test(token)) throw field.refuse("has letters that no header can have");
  const lifeSeconds = answer.get("expires_in").number() ?? 0;
  return {
    token,
    lifeSeconds: Math.min(lifeSeconds > 0 ? lifeSeconds : defaultLifeSeconds, maxLifeSeconds),
  };
}
