import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Container } from "@slipway/core/containers";
import { during } from "@slipway/fault/fault";
import { isSystemError } from "@slipway/linux/system-call";
import { ownDirectory } from "../own-files/host-directories.ts";
import type { PlainRequest } from "../mounts/mount-request.ts";
import { formatHosts, hasHost, type HostEntry } from "./hosts.ts";
import { formatResolvConf, isLoopback, parseResolvConf, type Resolver } from "./resolv-conf.ts";

/** What a container's own files of /etc say. */
export interface EtcFilesOptions {
  readonly hostname: string;
  readonly network: "host" | "none";
  /** After those that the network brings. */
  readonly hosts?: readonly HostEntry[];
  /** Each replaces the host's. */
  readonly resolver?: Partial<Resolver>;
  readonly readOnly?: boolean;
  /** Of the host: `/etc` by default. */
  readonly hostEtc?: string;
}

const names = ["hostname", "hosts", "resolv.conf"] as const;

/** Whether a mount is one of a container's own files of /etc, in the container's own directory. */
export function isEtcFile(
  directory: string | undefined,
  { source, destination }: { readonly source?: string; readonly destination: string },
): boolean {
  return (
    directory !== undefined &&
    names.some((name) => source === join(directory, name) && destination === `/etc/${name}`)
  );
}

/**
 * Writes a container's /etc/hostname, /etc/hosts and /etc/resolv.conf into its own directory, and gives their mounts: the
 * container may change them, and no image gets them. As in Docker they begin as copies of the host's in its network.
 */
export function makeEtcFiles(directory: string, options: EtcFilesOptions): PlainRequest[] {
  const { hostname, network, hosts = [], readOnly = false, resolver = {}, hostEtc = "/etc" } = options;
  const texts = {
    hostname: `${hostname}\n`,
    hosts: hostsText(hostname, network === "host" ? readIfAny(join(hostEtc, "hosts")) : undefined, hosts),
    "resolv.conf": resolvText(readIfAny(join(hostEtc, "resolv.conf")) ?? "", network, resolver),
  };
  if (isCopyOfHost(network, resolver)) writeEtcFile(join(directory, copyName), texts["resolv.conf"]);
  return names.map((name) => {
    const source = join(directory, name);
    writeEtcFile(source, texts[name]);
    const target = `/etc/${name}`;
    const mountOptions = ["rbind", readOnly ? "ro" : "rw", "rprivate"];
    return {
      type: "plain",
      target,
      mount: { destination: target, type: "bind", source, options: mountOptions },
    };
  });
}

/** What a container's resolv.conf was copied from; missing if it is no copy. */
const copyName = "resolv.conf.host";

function isCopyOfHost(network: "host" | "none", changes: Partial<Resolver>): boolean {
  return network === "host" && Object.keys(changes).length === 0;
}

/**
 * Brings a copy of the host's resolv.conf up to date that the container has not changed: before each start, as Docker does,
 * because the host may have moved to another network.
 */
export function refreshEtcFiles(container: Pick<Container, "id" | "labels">, hostEtc = "/etc"): void {
  const directory = ownDirectory(container);
  const before = directory === undefined ? undefined : readIfAny(join(directory, copyName));
  const now = readIfAny(join(hostEtc, "resolv.conf"));
  if (directory === undefined || before === undefined || now === undefined || now === before) return;
  if (readIfAny(join(directory, "resolv.conf")) !== before) return;
  const draft = join(directory, `${copyName}.new`);
  try {
    writeFileSync(draft, now);
    overwrite(join(directory, "resolv.conf"), now);
    renameSync(draft, join(directory, copyName));
  } catch (error) {
    rmSync(draft, { force: true });
    // A full disk is no reason not to start: the file is the one of the last start.
    if (!isSystemError(error, "ENOSPC", "EDQUOT", "EROFS")) throw error;
  }
}

/** In place, as a container may have the file mounted, and cut only in the end: a full disk must not leave it empty. */
function overwrite(path: string, text: string): void {
  const fd = openSync(path, "r+");
  try {
    ftruncateSync(fd, writeSync(fd, text));
  } finally {
    closeSync(fd);
  }
}

function writeEtcFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
    // Whatever this process's umask is, a user of the container reads it.
    chmodSync(path, 0o644);
  } catch (error) {
    throw during(`write "${path}"`, error);
  }
}

function hostsText(hostname: string, base: string | undefined, hosts: readonly HostEntry[]): string {
  // A name that does not resolve makes sudo, Java and others wait or fail.
  const isKnown = hasHost(base ?? "", hostname) || hostname === "localhost";
  const [short = hostname] = hostname.split(".");
  const own = { address: "127.0.0.1", names: [...new Set([hostname, short])] };
  return formatHosts({
    ...(base === undefined ? {} : { base }),
    entries: [...(isKnown ? [] : [own]), ...hosts],
  });
}

function resolvText(text: string, network: "host" | "none", changes: Partial<Resolver>): string {
  if (isCopyOfHost(network, changes)) return text;
  const host = parseResolvConf(text);
  const servers = network === "host" ? host.servers : host.servers.filter((server) => !isLoopback(server));
  const merged = { ...host, servers, ...changes };
  // Docker's `--dns-search .` means none.
  return formatResolvConf({ ...merged, searches: merged.searches.filter((search) => search !== ".") });
}

function readIfAny(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
