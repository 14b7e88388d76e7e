import { isIP } from "node:net";
import { Fault } from "@slipway/fault/fault";

export interface HostEntry {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly names: readonly string[];
}

export interface HostsOptions {
  /** What the file begins with, such as the host's own; Docker's entries for localhost by default. */
  readonly base?: string;
  readonly entries: readonly HostEntry[];
}

const localhost = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** An /etc/hosts: hosts(5). */
export function formatHosts({ base = localhost, entries }: HostsOptions): string {
  const lines = entries.map(({ address, names }) => `${address}\t${names.join(" ")}\n`);
  return `${base}${base === "" || base.endsWith("\n") ? "" : "\n"}${lines.join("")}`;
}

/** Whether a line of an /etc/hosts has the name. */
export function hasHost(text: string, name: string): boolean {
  return text.split("\n").some((line) => {
    const [, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.includes(name);
  });
}

/**
 * Docker's `--add-host NAME:ADDRESS` or `NAME=ADDRESS`, where the address `host-gateway` is the host's.
 * @throws {Fault} `invalid_argument`
 */
export function parseAddedHost(text: string, gateway: string | undefined): HostEntry {
  const [, name = "", address = ""] =
    /^([^:=]*)[:=](.*)$/s.exec(text) ?? refuse(text, "it is not NAME:ADDRESS");
  if (!/^[\w.-]+$/.test(name)) refuse(text, `"${name}" is no name of a host`);
  if (address === "host-gateway") {
    return {
      address: gateway ?? refuse(text, "the container's network does not reach the host"),
      names: [name],
    };
  }
  const plain = address.replace(/^\[(.*)\]$/, "$1");
  if (isIP(plain) === 0) refuse(text, `"${address}" is no IP address`);
  return { address: plain, names: [name] };
}

function refuse(text: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot add host "${text}": ${why}`);
}
