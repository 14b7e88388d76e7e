import { isIP } from "node:net";
import type { EtcFilesOptions } from "@slipway/client/etc-files";
import { parseAddedHost } from "@slipway/client/hosts";
import type { Resolver } from "@slipway/client/resolv-conf";
import { Fault } from "@slipway/fault/fault";
import type { RunFlags } from "./flags.ts";

/** What the flags say of a container's files of /etc, beside its name. @throws {Fault} `invalid_argument` */
export function etcOptions(flags: RunFlags): Omit<EtcFilesOptions, "hostname"> {
  const network = flags.network === "host" ? "host" : "none";
  const gateway = network === "host" ? "127.0.0.1" : undefined;
  return {
    network,
    hosts: flags.addHost.map((text) => parseAddedHost(text, gateway)),
    resolver: resolverOf(flags),
    readOnly: flags.readOnly ?? false,
  };
}

function resolverOf({ dns, dnsSearch, dnsOption, dnsOpt }: RunFlags): Partial<Resolver> {
  const options = [...dnsOption, ...dnsOpt];
  for (const server of dns) {
    if (isIP(server.split("%", 1)[0] ?? "") === 0) refuse("dns", server, "it is no IP address");
  }
  for (const [flag, values] of [
    ["dns-search", dnsSearch],
    ["dns-option", options],
  ] as const) {
    const wrong = values.find((value) => !/^[\w.:-]+$/.test(value));
    if (wrong !== undefined) refuse(flag, wrong, "it is not one word of letters, digits, _ . : and -");
  }
  return {
    ...(dns.length > 0 ? { servers: dns } : {}),
    ...(dnsSearch.length > 0 ? { searches: dnsSearch } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
}

function refuse(flag: string, value: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot use --${flag} "${value}": ${why}`);
}
