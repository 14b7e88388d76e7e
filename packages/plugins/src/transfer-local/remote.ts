import type { RegistryEnd, TransferOptions } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import { parseReference, type Reference } from "@slipway/oci/reference";
import { BandwidthLimit } from "@slipway/registry/bandwidth";
import type { CredentialSource } from "@slipway/registry/credentials";
import { Repository } from "@slipway/registry/registry";
import type { TransferParts } from "./parts.ts";

/** A registry as the client described it. */
export function openRemote(
  { config, limits, log }: TransferParts,
  { reference, headers, hostsDirectory, defaultScheme, credentials }: RegistryEnd,
  { onProgress, downloadBytesPerSecond = 0 }: TransferOptions,
): { readonly parsed: Reference; readonly repository: Repository } {
  const parsed = parseReference(reference);
  if (parsed.tag === undefined && parsed.digest === undefined) {
    throw new Fault("invalid_argument", `failed to resolve image: ${reference}: object required`);
  }
  const source: CredentialSource = {
    origin: "the client's login",
    async find(host) {
      const found = await credentials?.(host === "registry-1.docker.io" ? "docker.io" : host);
      return found && { ...found, origin: "the client's login" };
    },
  };
  const repository = new Repository(parsed, {
    credentials: source,
    headers: { ...headers },
    hostsDirectories: hostsDirectory === undefined ? config.hostsDirectories : hostsDirectory.split(":"),
    limits: downloadBytesPerSecond > 0 ? [...limits, new BandwidthLimit(downloadBytesPerSecond)] : limits,
    onWarning: (text) => {
      log.warn("registry warns", { reference, text });
      onProgress?.({ event: `Warning from ${parsed.host}: ${text}` });
    },
    ...(defaultScheme ? { defaultScheme } : {}),
  });
  return { parsed, repository };
}
