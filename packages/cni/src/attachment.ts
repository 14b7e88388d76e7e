import { Fault } from "@slipway/fault/fault";

/** A container's place in a network: one interface of it. */
export interface Attachment {
  readonly containerId: string;
  /** The network namespace's path; empty once it is gone. */
  readonly netns: string;
  /** Such as `eth0`. */
  readonly interfaceName: string;
  /** Words for plugins that are no part of a configuration, such as `K8S_POD_NAME`. */
  readonly args?: Readonly<Record<string, string>>;
  /** By capability, such as `portMappings`: a plugin is given those that its configuration says it can do. */
  readonly capabilityArgs?: Readonly<Record<string, unknown>>;
}

/** A port of the host that leads to one of the container: the value of the capability `portMappings` is a list of these. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** An address of the host; every one if left out. */
  readonly hostIP?: string;
}

/** Checks what becomes part of file names and of the kernel's names. @throws {Fault} `invalid_argument` */
export function checkAttachment({ containerId, interfaceName, args = {} }: Attachment): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(containerId)) {
    throw new Fault(
      "invalid_argument",
      `Cannot attach container "${containerId}": its id has other characters than letters, digits, "_", "." and "-"`,
    );
  }
  // The kernel's rule: dev_valid_name() in net/core/dev.c.
  const isName = /^[^/:\s]{1,15}$/.test(interfaceName) && interfaceName !== "." && interfaceName !== "..";
  if (!isName) {
    throw new Fault(
      "invalid_argument",
      `Cannot attach container "${containerId}": "${interfaceName}" is no interface's name`,
    );
  }
  for (const [name, value] of Object.entries(args)) {
    if (/[;=\0]/.test(name) || /[;\0]/.test(value)) {
      throw new Fault(
        "invalid_argument",
        `Cannot attach container "${containerId}": argument "${name}" has a ";"`,
      );
    }
  }
}
