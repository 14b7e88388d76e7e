import { hostname } from "node:os";

export interface HostnameOptions {
  readonly id: string;
  /** What the caller wants. */
  readonly name: string | undefined;
  /** Whether the container is in the host's network, or has its name. */
  readonly sharesHost: boolean;
}

/** A container's host name, by Docker's rule: the host's where it shares that, else the beginning of its id. */
export function hostnameOf({ id, name, sharesHost }: HostnameOptions): string {
  return name || (sharesHost ? hostname() : id.slice(0, 12));
}
