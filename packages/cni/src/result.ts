import type { JsonField } from "@slipway/oci/documents/json-field";
import { parseJson } from "@slipway/oci/documents/json-field";
import { isAtLeast, oldestVersion } from "./version.ts";

/** An interface that a plugin made: of the container, or of the host. */
export interface NetworkInterface {
  readonly name: string;
  readonly mac?: string;
  /** In bytes. */
  readonly mtu?: number;
  /** The network namespace's path; undefined for an interface of the host. */
  readonly sandbox?: string;
}

/** An address, as `10.88.0.2/16`. */
export interface NetworkAddress {
  readonly address: string;
  readonly gateway?: string;
  /** An index of `interfaces`. */
  readonly interface?: number;
}

export interface NetworkRoute {
  /** As `0.0.0.0/0`. */
  readonly dst: string;
  readonly gw?: string;
}

/** What a resolver needs, as plugins say it. */
export interface NetworkDns {
  readonly nameservers: readonly string[];
  readonly domain?: string;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** What attaching to a network gave. https://github.com/containernetworking/cni/blob/main/SPEC.md#add-success */
export interface NetworkResult {
  readonly interfaces: readonly NetworkInterface[];
  readonly ips: readonly NetworkAddress[];
  readonly routes: readonly NetworkRoute[];
  readonly dns: NetworkDns;
  /** As it was written, in the version that it names: the next plugin reads it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/**
 * Reads what a plugin printed, in any version of the specification.
 * @param document what errors call it
 * @throws {Fault} `data_loss`, naming the field: nothing that the plugin printed can be relied on then
 */
export function readResult(document: string, bytes: Uint8Array | string): NetworkResult {
  const root = parseJson(document, bytes, { code: "data_loss" }).required();
  const version = root.get("cniVersion").text() ?? oldestVersion;
  const [ips, routes] = isAtLeast(version, "0.3.0")
    ? [root.get("ips").list(readAddress), root.get("routes").list(readRoute)]
    : readOldFamilies(root);
  const dns = root.get("dns");
  const domain = dns.get("domain").text();
  return {
    interfaces: root.get("interfaces").list(readInterface),
    ips,
    routes,
    dns: {
      nameservers: dns.get("nameservers").texts(),
      ...(domain ? { domain } : {}),
      search: dns.get("search").texts(),
      options: dns.get("options").texts(),
    },
    raw: root.others([]),
  };
}

/** Before 0.3.0, one address of each family, with its routes. */
function readOldFamilies(root: JsonField): [NetworkAddress[], NetworkRoute[]] {
  const families = [root.get("ip4"), root.get("ip6")].filter((family) => !family.isMissing);
  const ips = families.map((family) => address(family.get("ip"), family.get("gateway")));
  return [ips, families.flatMap((family) => family.get("routes").list(readRoute))];
}

function readAddress(field: JsonField): NetworkAddress {
  const index = field.get("interface").integer({ min: -1, max: 0xffff });
  return {
    ...address(field.get("address"), field.get("gateway")),
    ...(index === undefined || index < 0 ? {} : { interface: index }),
  };
}

function address(field: JsonField, gateway: JsonField): NetworkAddress {
  const text = field.text() ?? "";
  if (!/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(text)) {
    throw field.unexpected("an address with its prefix length");
  }
  const via = gateway.text();
  return { address: text, ...(via ? { gateway: via } : {}) };
}

function readRoute(field: JsonField): NetworkRoute {
  const gw = field.get("gw").text();
  return { dst: field.get("dst").text() ?? "", ...(gw ? { gw } : {}) };
}

function readInterface(field: JsonField): NetworkInterface {
  const [mac, mtu] = [field.get("mac").text(), field.get("mtu").integer({ min: 0 })];
  const sandbox = field.get("sandbox").text();
  return {
    name: field.get("name").text() ?? "",
    ...(mac ? { mac } : {}),
    ...(mtu ? { mtu } : {}),
    ...(sandbox ? { sandbox } : {}),
  };
}

/**
 * A result as plugins of a version read it. The configuration of a network may have changed its version since the container
 * was attached.
 */
export function resultIn(version: string, result: NetworkResult): Readonly<Record<string, unknown>> {
  const written = result.raw["cniVersion"] ?? oldestVersion;
  if (written === version) return result.raw;
  const { dns } = result;
  const common = { cniVersion: version, dns };
  if (!isAtLeast(version, "0.3.0")) return { ...common, ...oldFamilies(result) };
  // 1.0.0 left the address's family out.
  const withFamily = !isAtLeast(version, "1.0.0");
  const ips = result.ips.map((ip) => ({
    ...ip,
    ...(withFamily ? { version: isV6(ip.address) ? "6" : "4" } : {}),
  }));
  return { ...common, interfaces: result.interfaces, ips, routes: result.routes };
}

function oldFamilies({ ips, routes }: NetworkResult): Record<string, unknown> {
  const of = (wantsV6: boolean): object | undefined => {
    const ip = ips.find((one) => isV6(one.address) === wantsV6);
    if (!ip) return undefined;
    const { address, gateway } = ip;
    const own = routes.filter(({ dst }) => isV6(dst) === wantsV6);
    return { ip: address, ...(gateway ? { gateway } : {}), routes: own };
  };
  const [ip4, ip6] = [of(false), of(true)];
  return { ...(ip4 ? { ip4 } : {}), ...(ip6 ? { ip6 } : {}) };
}

function isV6(address: string): boolean {
  return address.includes(":");
}
