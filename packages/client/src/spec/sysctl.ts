import { Fault } from "@slipway/fault/fault";
import type { NamespaceKind } from "@slipway/oci/runtime-spec";

/** The kernel's parameters that each namespace has for itself: runc's libcontainer/configs/validate. */
const ipcParameters = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((name) => `kernel.${name}`),
);

/**
 * Checks that kernel parameters are a container's own: all others would change this machine.
 * @throws {Fault} `invalid_argument`
 */
export function checkSysctl(
  parameters: Readonly<Record<string, string>>,
  sharedNamespaces: readonly NamespaceKind[],
): Record<string, string> {
  for (const [name, value] of Object.entries(parameters)) {
    const namespace = namespaceOf(name.replaceAll("/", "."));
    if (namespace === undefined) throw refused(name, value, "it is not a parameter of a namespace");
    if (sharedNamespaces.includes(namespace)) {
      throw refused(name, value, `the container has the host's ${namespace} namespace`);
    }
  }
  return { ...parameters };
}

function namespaceOf(name: string): NamespaceKind | undefined {
  if (!/^[\w-]+(?:\.[\w@:-]+)+$/.test(name)) return undefined;
  if (ipcParameters.has(name) || name.startsWith("fs.mqueue.")) return "ipc";
  if (name.startsWith("net.")) return "network";
  return name === "kernel.domainname" ? "uts" : undefined;
}

function refused(name: string, value: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot set kernel parameter "${name}=${value}": ${why}`);
}
