import { readFileSync } from "node:fs";
import { posix } from "node:path";
import type {
  CapabilitiesSpec,
  DeviceRuleSpec,
  DeviceSpec,
  MountSpec,
  NamespaceKind,
  ResourcesSpec,
  RlimitSpec,
  RuntimeSpec,
  UserSpec,
} from "@slipway/oci/runtime-spec";
import { allCapabilities, capabilitiesOf } from "./capabilities.ts";
import { checkSecurity } from "./check-security.ts";
import { type CommandOptions, commandOf } from "./command.ts";
import { deviceRules } from "./device-rules.ts";
import { type ContainerDevice, hostDevices, lastAtEachPlace } from "./devices.ts";
import { defaultMounts, type IpcMode } from "./mounts.ts";
import { type SecurityOptions, hiddenPaths, seccompOf, withWritableCgroups } from "./security.ts";
import { checkSysctl } from "./sysctl.ts";

/** What a container is to be, beyond what its image says. */
export interface ContainerSpecOptions extends CommandOptions, SecurityOptions {
  readonly id: string;
  readonly namespace: string;
  /** `NAME=value`, over the image's. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  /** Who runs, as `resolveUser` found them. */
  readonly user?: UserSpec;
  readonly terminal?: boolean;
  /** Of the container, and in its environment. */
  readonly hostname?: string;
  /** False when the container shares the host's name: it then cannot have another. */
  readonly setsHostname?: boolean;
  /** From -1000 to 1000: the higher, the sooner the kernel ends it when memory is short. */
  readonly oomScoreAdj?: number;
  readonly readOnly?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** In their order, a parent before what is below it. */
  readonly mounts?: readonly MountSpec[];
  /** Whether there is a /dev/shm: true by default. */
  readonly hasSharedMemory?: boolean;
  readonly devices?: readonly ContainerDevice[];
  /** Further devices that the container may use, should it have or make their nodes. */
  readonly deviceRules?: readonly DeviceRuleSpec[];
  /** False for a privileged container that has only `devices`. */
  readonly hostDevices?: boolean;
  readonly resources?: ResourcesSpec;
  readonly rlimits?: readonly RlimitSpec[];
  readonly sysctl?: Readonly<Record<string, string>>;
  /** Namespaces of the host that the container shares; it has its own of the others. */
  readonly sharedNamespaces?: readonly NamespaceKind[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The root file system when it is not the bundle's `rootfs`. */
  readonly rootfsPath?: string;
  readonly unifiedCgroups?: boolean;
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const ownNamespaces: readonly NamespaceKind[] = ["pid", "ipc", "uts", "mount", "network"];

/**
 * The OCI runtime spec of a container, with containerd's defaults: its pkg/oci/spec.go.
 * @throws {Fault} `invalid_argument` for an option that is not understood
 */
export function containerSpec(options: ContainerSpecOptions): RuntimeSpec {
  checkSecurity(options);
  const { id, namespace, privileged = false, terminal = false, image, hostname } = options;
  const capabilities = privileged
    ? allCapabilities(boundingSet())
    : capabilitiesOf(options.capAdd ?? [], options.capDrop ?? [], boundingSet());
  const seccomp = seccompOf(options, capabilities);
  const mounts = options.mounts ?? [];
  const propagation = rootPropagation(mounts);
  const namespaces = [...ownNamespaces, ...(options.unifiedCgroups ? (["cgroup"] as const) : [])];
  const hasHostDevices = options.hostDevices ?? privileged;
  const devices = lastAtEachPlace([...(hasHostDevices ? hostDevices() : []), ...(options.devices ?? [])]);
  return {
    ociVersion: "1.1.0",
    root: { path: options.rootfsPath ?? "rootfs", ...(options.readOnly ? { readonly: true } : {}) },
    process: {
      ...(terminal ? { terminal } : {}),
      user: options.user ?? { uid: 0, gid: 0, additionalGids: [0] },
      args: commandOf(options),
      env: environmentOf(image?.config?.Env ?? [], options),
      // An image's directory may be relative by mistake: Docker and Podman count it from the root, and runtimes refuse it.
      cwd: options.cwd ?? posix.resolve("/", image?.config?.WorkingDir ?? ""),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      // Without an entry the process inherits the daemon's own limits by way of the shim, as Docker's and nerdctl's do.
      ...(options.rlimits?.length ? { rlimits: [...options.rlimits] } : {}),
      noNewPrivileges: options.noNewPrivileges ?? false,
      ...(options.apparmorProfile === undefined ? {} : { apparmorProfile: options.apparmorProfile }),
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    },
    ...(hostname === undefined || options.setsHostname === false ? {} : { hostname }),
    mounts: [
      ...withWritableCgroups(defaultMounts({ privileged, ipc: ipcMode(options) }), options).filter(
        isReachable(mounts),
      ),
      ...mounts,
    ],
    ...(options.annotations ? { annotations: { ...options.annotations } } : {}),
    linux: {
      namespaces: namespaces
        .filter((type) => !options.sharedNamespaces?.includes(type))
        .map((type) => ({ type })),
      cgroupsPath: `/${namespace}/${id}`,
      resources: { ...options.resources, devices: deviceRules(devices, privileged, options.deviceRules) },
      ...(devices.length > 0 ? { devices: devices.map(nodeOf) } : {}),
      ...(seccomp ? { seccomp } : {}),
      ...(propagation ? { rootfsPropagation: propagation } : {}),
      ...(options.sysctl ? { sysctl: checkSysctl(options.sysctl, options.sharedNamespaces ?? []) } : {}),
      ...hiddenPaths(options),
    },
  };
}

/** Later values replace earlier ones where they stand; a name without "=" is removed. */
function environmentOf(
  image: readonly string[],
  { env = [], terminal, hostname }: ContainerSpecOptions,
): string[] {
  const values = new Map<string, string>();
  const defaults = [
    defaultPath,
    ...(hostname ? [`HOSTNAME=${hostname}`] : []),
    ...(terminal ? ["TERM=xterm"] : []),
  ];
  for (const entry of [...defaults, ...image.filter(isPossible), ...env]) {
    const [name = ""] = entry.split("=", 1);
    if (entry.includes("=")) values.set(name, entry);
    else values.delete(name);
  }
  return [...values.values()];
}

/** Whether a process can have a variable of an image; runtimes start nothing with one that has no name, or a NUL. */
function isPossible(entry: string): boolean {
  return !entry.startsWith("=") && !entry.includes("\0");
}

function nodeOf(device: ContainerDevice): DeviceSpec {
  const { access: _, ...node } = device;
  return node;
}

/** A mount of the caller replaces the default at its place and those below it, which it would hide. */
function isReachable(mounts: readonly MountSpec[]): (mount: MountSpec) => boolean {
  return ({ destination }) => !mounts.some((other) => `${destination}/`.startsWith(`${other.destination}/`));
}

function ipcMode({ sharedNamespaces, hasSharedMemory = true }: ContainerSpecOptions): IpcMode {
  if (sharedNamespaces?.includes("ipc")) return "host";
  return hasSharedMemory ? "private" : "none";
}

/** What the root has to be for mounts to reach the container, or the host, after its start. */
function rootPropagation(mounts: readonly MountSpec[]): "shared" | "rslave" | undefined {
  const options = new Set(mounts.flatMap((mount) => mount.options ?? []));
  if (options.has("shared") || options.has("rshared")) return "shared";
  return options.has("slave") || options.has("rslave") ? "rslave" : undefined;
}

/** Everything that this process may give away. */
export function privilegedCapabilities(): CapabilitiesSpec {
  const all = allCapabilities(boundingSet());
  return { bounding: all, effective: all, permitted: all };
}

function boundingSet(): string {
  return /^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
}
