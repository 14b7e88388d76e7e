import type { OutgoingHttpHeaders } from "node:http";
import { isAbsolute, join, posix } from "node:path";
import { parseDuration } from "@slipway/core/config/duration";
import { Fault, messageOf } from "@slipway/fault/fault";
import { parse } from "smol-toml";
import { allCapabilities, type Capability } from "./endpoint.ts";

/** A host as hosts.toml describes it; files are named, not read. */
export interface HostConfig {
  /** Nothing stands for the namespace's own registry. */
  readonly server?: { readonly origin: string; readonly path: string };
  readonly capabilities: ReadonlySet<Capability>;
  readonly ca: readonly string[];
  /** Pairs of certificate and key, which may be one file. */
  readonly clients: readonly (readonly [certificate: string, key: string])[];
  readonly skipVerify?: boolean;
  readonly headers: OutgoingHttpHeaders;
  readonly dialTimeoutMs?: number;
  readonly login?: Login;
}

/** Credentials, which containerd's hosts.toml has no place for. */
export type Login =
  | { readonly kind: "password"; readonly username: string; readonly file: string }
  | { readonly kind: "identity-token"; readonly file: string }
  | { readonly kind: "helper"; readonly name: string };

type Table = Readonly<Record<string, unknown>>;

/**
 * Reads hosts.toml as containerd does: core/remotes/docker/config/hosts.go. The hosts come in the file's order, the
 * registry itself last. `directory` is where relative file names begin.
 * @throws {Fault} `invalid_argument`
 */
export function parseHostsFile(text: string, directory: string): HostConfig[] {
  const root = parseToml(text);
  const mirrors = root["host"] === undefined ? {} : tableOf(root["host"], "host");
  return [
    ...Object.entries(mirrors).map(([name, table]) =>
      parseHost(name, tableOf(table, `host.${name}`), directory),
    ),
    parseHost(textOf(root, "server"), root, directory),
  ];
}

function parseToml(text: string): Table {
  try {
    return parse(text);
  } catch (error) {
    throw new Fault("invalid_argument", messageOf(error), { cause: error });
  }
}

function parseHost(server: string | undefined, table: Table, directory: string): HostConfig {
  const inDirectory = (file: string): string => (isAbsolute(file) ? file : join(directory, file));
  const dialTimeout = textOf(table, "dial_timeout");
  const login = parseLogin(table, inDirectory);
  const skipVerify = booleanOf(table, "skip_verify");
  return {
    ...(server ? { server: parseServer(server, booleanOf(table, "override_path") === true) } : {}),
    capabilities: parseCapabilities(table["capabilities"]),
    ca: textsOf(table["ca"] ?? [], "ca").map(inDirectory),
    clients: parseClients(table["client"]).map(([certificate, key]) => [
      inDirectory(certificate),
      inDirectory(key),
    ]),
    ...(skipVerify === undefined ? {} : { skipVerify }),
    headers: parseHeaders(table["header"]),
    ...(dialTimeout ? { dialTimeoutMs: parseDuration(dialTimeout) } : {}),
    ...(login ? { login } : {}),
  };
}

function parseServer(text: string, overridePath: boolean): { origin: string; path: string } {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(full) || !/^https?:/i.test(full)) {
    throw new Fault("invalid_argument", `unable to parse server ${text}`);
  }
  const { origin, pathname } = new URL(full);
  const path = posix.normalize(pathname).replace(/\/$/, "");
  return { origin, path: overridePath || path.endsWith("/v2") ? path : `${path}/v2` };
}

function parseCapabilities(value: unknown): ReadonlySet<Capability> {
  const names = textsOf(value ?? [], "capabilities").map((name) => name.toLowerCase());
  if (names.length === 0) return allCapabilities;
  return new Set(
    names.map((name) => {
      if (allCapabilities.has(name as Capability)) return name as Capability;
      throw new Fault("invalid_argument", `unknown capability ${name}`);
    }),
  );
}

/** One file, a list of files, or a list of pairs of files. */
function parseClients(value: unknown): [string, string][] {
  if (value === undefined) return [];
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  return items.map((item) => {
    const [certificate, key, ...more] = textsOf(item, "client");
    if (certificate === undefined || more.length > 0 || (Array.isArray(item) && key === undefined)) {
      throw new Fault("invalid_argument", `invalid pair ${String(item)} for "client"`);
    }
    return [certificate, key ?? certificate];
  });
}

function parseHeaders(value: unknown): OutgoingHttpHeaders {
  if (value === undefined) return {};
  const entries = Object.entries(tableOf(value, "header"));
  return Object.fromEntries(entries.map(([name, one]) => [name, textsOf(one, `header.${name}`)]));
}

function parseLogin(table: Table, inDirectory: (file: string) => string): Login | undefined {
  const username = textOf(table, "username");
  const passwordFile = textOf(table, "password_file");
  const tokenFile = textOf(table, "token_file");
  const helper = textOf(table, "credential_helper");
  const ways = [username ?? passwordFile, tokenFile, helper].filter((way) => way !== undefined);
  if (ways.length > 1) {
    const keys = "username and password_file, token_file, credential_helper";
    throw new Fault("invalid_argument", `more than one way to log in: choose one of ${keys}`);
  }
  if (helper !== undefined) return { kind: "helper", name: helper };
  if (tokenFile !== undefined) return { kind: "identity-token", file: inDirectory(tokenFile) };
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined) {
    throw new Fault("invalid_argument", "username and password_file go together");
  }
  return { kind: "password", username, file: inDirectory(passwordFile) };
}

function tableOf(value: unknown, name: string): Table {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Table;
  throw new Fault("invalid_argument", `${name}: must be a table`);
}

function textOf(table: Table, key: string): string | undefined {
  const value = table[key];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new Fault("invalid_argument", `${key}: must be a string`);
}

function booleanOf(table: Table, key: string): boolean | undefined {
  const value = table[key];
  if (value === undefined || typeof value === "boolean") return value;
  throw new Fault("invalid_argument", `${key}: must be true or false`);
}

function textsOf(value: unknown, name: string): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  if (items.every((item): item is string => typeof item === "string")) return items;
  throw new Fault("invalid_argument", `invalid type for "${name}": must be a string or a list of strings`);
}
