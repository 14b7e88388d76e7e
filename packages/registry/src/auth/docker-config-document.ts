import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";
import { formatSpecJson, parseSpecJson } from "@slipway/oci/spec-json";
import type { Credentials } from "./credentials.ts";

/** What Docker's config.json says about logins: https://docs.docker.com/reference/cli/docker/login/ */
export interface DockerConfig {
  /** The helper of each host that has one of its own. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper of all others; undefined if there is none. */
  readonly credsStore: string | undefined;
  /** The names under which there are logins. */
  readonly names: readonly string[];
  /** A login that the file itself holds. @throws {Fault} `invalid_argument` when it is damaged */
  login(name: string): Credentials | undefined;
  /** The file's text without the logins of some names, and with another. All else in it stays. */
  withLogin(without: readonly string[], login: Readonly<Record<string, object>> | undefined): string;
}

/**
 * Reads Docker's config.json. Entries of other hosts may be damaged: nobody asked for them.
 * @throws {Fault} `invalid_argument`
 */
export function readDockerConfig(file: string, bytes: Uint8Array | string): DockerConfig {
  // Tools keep settings of their own in the file: what is written again has the same numbers.
  const root = parseJson(file, bytes, { parse: parseSpecJson }).required();
  const auths = root.get("auths");
  const entries = auths.record((entry) => entry);
  return {
    credHelpers: root.get("credHelpers").textRecord(),
    credsStore: root.get("credsStore").text() || undefined,
    names: Object.keys(entries),
    login: (name) => {
      const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
      return entry && readLogin(entry, file);
    },
    withLogin: (without, login) => {
      const changed = { ...root.others(["auths"]), auths: { ...auths.others(without), ...login } };
      return `${formatSpecJson(changed, "\t")}\n`;
    },
  };
}

function readLogin(entry: JsonField, origin: string): Credentials | undefined {
  const registryToken = entry.get("registrytoken").text();
  if (registryToken) {
    return {
      origin,
      kind: "header",
      value: `Bearer ${headerText(entry.get("registrytoken"), registryToken)}`,
    };
  }
  const token = entry.get("identitytoken").text();
  if (token) return { origin, kind: "identity-token", token };
  const auth = entry.get("auth").text();
  const [username, password] = auth
    ? splitAuth(entry.get("auth"), auth)
    : [entry.get("username").text() ?? "", entry.get("password").text() ?? ""];
  if (username === "" && password === "") return undefined;
  // Docker puts a NUL behind some passwords.
  return { origin, kind: "password", username, password: password.replace(/\0+$/, "") };
}

function headerText(field: JsonField, text: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw field.refuse("has letters that no header can have");
}

/** Name and password, in base64 with a colon between them: others would be sent to nobody's use. */
function splitAuth(field: JsonField, auth: string): [string, string] {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim())) throw field.refuse("is not base64");
  const text = Buffer.from(auth, "base64").toString();
  const at = text.indexOf(":");
  if (at < 0) throw field.refuse("holds no name and password with a colon between them");
  return [text.slice(0, at), text.slice(at + 1)];
}
