import { readFile } from "node:fs/promises";
import { Fault, messageOf } from "@slipway/fault/fault";
import { isLoopback, type TlsSettings } from "../http/agents.ts";
import type { Link } from "../http/send.ts";
import { allCapabilities, type Endpoint } from "./endpoint.ts";
import { loginSource } from "./login.ts";
import { readHostsDirectory } from "./hosts-directory.ts";
import type { HostConfig } from "./hosts-file.ts";

export interface HostsOptions {
  /** Roots of hosts.toml directories, such as `/etc/containerd/certs.d`. */
  readonly hostsDirectories?: readonly string[];
  /** For the registry itself; `https` unless told, and with loopback hosts whichever the server speaks. */
  readonly defaultScheme?: "http" | "https";
  /** Whether certificates are taken unseen where no file says anything of that. */
  readonly skipVerify?: boolean;
  readonly stallTimeoutMs?: number;
  /** About how long to wait before the first retry of a request; a tenth of a second by default. */
  readonly retryDelayMs?: number;
}

const defaultDialTimeoutMs = 30_000;
const defaultStallTimeoutMs = 60_000;
export const defaultRetryDelayMs = 100;

/** The hosts to ask for images of a namespace, in order: core/remotes/docker/config/hosts.go, ConfigureHosts. */
export async function endpointsOf(namespace: string, options: HostsOptions): Promise<Endpoint[]> {
  const found = await readHostsDirectory(options.hostsDirectories ?? [], namespace);
  const hosts: readonly HostConfig[] = found?.hosts ?? [
    { capabilities: allCapabilities, ca: [], clients: [], headers: {} },
  ];
  return await Promise.all(hosts.map((host) => toEndpoint(namespace, host, found?.file ?? "", options)));
}

/** How a host is connected to that no file configures. */
export function linkOf({
  stallTimeoutMs = defaultStallTimeoutMs,
  retryDelayMs = defaultRetryDelayMs,
}: HostsOptions): Link {
  return { dialTimeoutMs: defaultDialTimeoutMs, stallTimeoutMs, retryDelayMs };
}

async function toEndpoint(
  namespace: string,
  host: HostConfig,
  file: string,
  options: HostsOptions,
): Promise<Endpoint> {
  const { defaultScheme } = options;
  const own = ownServer(namespace, defaultScheme);
  const { origin, path } = host.server ?? { origin: own.origin, path: "/v2" };
  const skipVerify = host.skipVerify ?? options.skipVerify ?? (host.server ? undefined : own.skipVerify);
  const isConfigured = host.ca.length > 0 || host.clients.length > 0 || skipVerify !== undefined;
  // With certificates at hand a host that is said to speak HTTP is tried with HTTPS first, unless its port says it all.
  const { protocol, hostname, port, host: address } = new URL(origin);
  const fallsBackToHttp = protocol === "http:" && isConfigured && port !== "" && port !== "80";
  const { dialTimeoutMs } = host;
  const link: Link = {
    ...linkOf(options),
    ...(isConfigured ? { tls: await readTls(host, skipVerify ?? false) } : {}),
    ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
    ...(fallsBackToHttp ? { plainHost: address } : {}),
  };
  return {
    key: JSON.stringify([{ ...host, capabilities: [...host.capabilities] }, link]),
    base: `${fallsBackToHttp ? `https://${hostname}:${port}` : origin}${path}`,
    capabilities: host.capabilities,
    link,
    headers: host.headers,
    isMirror: address !== namespace && address !== new URL(own.origin).host,
    ...(host.login ? { credentials: loginSource(host.login, file) } : {}),
  };
}

interface OwnServer {
  readonly origin: string;
  readonly skipVerify?: boolean;
}

function ownServer(namespace: string, scheme: "http" | "https" | undefined): OwnServer {
  if (namespace === "docker.io") return { origin: "https://registry-1.docker.io" };
  const [, hostname = namespace, port = ""] = /^(.+?)(?::(\d+))?$/.exec(namespace) ?? [];
  if (scheme !== undefined || !isLoopback(hostname)) return { origin: `${scheme ?? "https"}://${namespace}` };
  if (port === "80") return { origin: `http://${namespace}` };
  const secure = port === "" || port === "443";
  return { origin: `${secure ? "https" : "http"}://${namespace}`, skipVerify: true };
}

async function readTls({ ca, clients }: HostConfig, skipVerify: boolean): Promise<TlsSettings> {
  return {
    skipVerify,
    ca: await Promise.all(ca.map((file) => readPem(file, "CA cert"))),
    clients: await Promise.all(
      clients.map(async ([certificate, key]) => ({
        certificate: await readPem(certificate, "CERT file"),
        key: await readPem(key, "CERT file"),
      })),
    ),
  };
}

async function readPem(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Fault("invalid_argument", `unable to read ${what} "${file}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
