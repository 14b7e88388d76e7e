import type { RegistryOptions } from "@slipway/registry/registry";

/** Where an administrator of containerd, or of Docker, describes registries. */
export const hostsDirectories = ["/etc/containerd/certs.d", "/etc/docker/certs.d"];

/** What a client that runs beside the daemon, on behalf of a user, tells the registry client. */
export function registryOptions(
  options: RegistryOptions & { readonly plainHttp?: boolean },
): RegistryOptions {
  const { plainHttp } = options;
  const scheme = plainHttp === undefined ? {} : ({ defaultScheme: plainHttp ? "http" : "https" } as const);
  return { hostsDirectories, ...scheme, ...options };
}
