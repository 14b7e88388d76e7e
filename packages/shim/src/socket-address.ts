import { createHash } from "node:crypto";
import { join } from "node:path";

/** Where containerd itself puts shims' sockets, unless the daemon names another directory. */
export const DEFAULT_SOCKET_DIRECTORY = "/run/containerd/s";

/** The socket's path of a shim, or of a group of them: the same for the same daemon, namespace and group. */
export function shimSocketPath(
  directory: string,
  shim: { readonly address: string; readonly namespace: string; readonly group: string },
): string {
  const hash = createHash("sha256")
    .update(join(shim.address, shim.namespace, shim.group))
    .digest("hex");
  return join(directory, hash);
}

/** A unix socket's path, without the scheme it may have. */
export function socketPath(address: string): string {
  return address.replace(/^unix:\/\//, "");
}
