import { readFileSync } from "node:fs";
import type {
  CapabilitiesSpec,
  DeviceSpec,
  MountSpec,
  NamespaceKind,
  ResourcesSpec,
  RlimitSpec,
  RuntimeSpec,
  SeccompSpec,
  UserSpec,
} from "@slipway/oci/runtime-spec";
import { allCapabilities, capabilitiesOf } from "./capabilities.ts";
import { type CommandOptions, commandOf } from "./command.ts";
import { deviceRules, hostDevices } from "./devices.ts";
import { defaultMounts } from "./mounts.ts";
import { defaultSeccomp } from "./seccomp.ts";

/** What a container is to be, beyond what its image says. */
export interface ContainerSpecOptions extends CommandOptions {
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
  /** Everything that root on the host may do. */
  readonly privileged?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly mounts?: readonly MountSpec[];
  readonly devices?: readonly DeviceSpec[];
  readonly resources?: ResourcesSpec;
  readonly rlimits?: readonly RlimitSpec[];
  readonly sysctl?: Readonly<Record<string, string>>;
  /** Namespaces of the host that the container shares; it has its own of the others. */
  readonly sharedNamespaces?: readonly NamespaceKind[];
  readonly noNewPrivileges?: boolean;
  /** `default` unless told. */
  readonly seccomp?: "default" | "unconfined" | SeccompSpec;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The root file system when it is not the bundle's `rootfs`. */
  readonly rootfsPath?: string;
  readonly unifiedCgroups?: boolean;
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const ownNamespaces: readonly NamespaceKind[] = ["pid", "ipc", "uts", "mount", "network"];

/** The OCI runtime spec of a container, with containerd's defaults: its pkg/oci/spec.go. */
export function containerSpec(options: ContainerSpecOptions): RuntimeSpec {
  const { id, namespace, privileged = false, terminal = false, image, hostname } = options;
  const capabilities = privileged
    ? allCapabilities(boundingSet())
    : capabilitiesOf(options.capAdd ?? [], options.capDrop ?? [], boundingSet());
  const seccomp = seccompOf(options, capabilities);
  const namespaces = [...ownNamespaces, ...(options.unifiedCgroups ? (["cgroup"] as const) : [])];
  const devices = [...(privileged ? hostDevices() : []), ...(options.devices ?? [])];
  return {
    ociVersion: "1.1.0",
    root: { path: options.rootfsPath ?? "rootfs", ...(options.readOnly ? { readonly: true } : {}) },
    process: {
      ...(terminal ? { terminal } : {}),
      user: options.user ?? { uid: 0, gid: 0, additionalGids: [0] },
      args: commandOf(options),
      env: environmentOf(image?.config?.Env ?? [], options),
      cwd: options.cwd ?? (image?.config?.WorkingDir || "/"),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      // Without an entry the process inherits the daemon's own limits by way of the shim, as Docker's and nerdctl's do.
      ...(options.rlimits?.length ? { rlimits: [...options.rlimits] } : {}),
      noNewPrivileges: options.noNewPrivileges ?? false,
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    },
    ...(hostname === undefined || options.setsHostname === false ? {} : { hostname }),
    mounts: [...defaultMounts({ privileged }), ...(options.mounts ?? [])].filter(isLastAtItsPlace),
    ...(options.annotations ? { annotations: { ...options.annotations } } : {}),
    linux: {
      namespaces: namespaces
        .filter((type) => !options.sharedNamespaces?.includes(type))
        .map((type) => ({ type })),
      cgroupsPath: `/${namespace}/${id}`,
      resources: { ...options.resources, devices: deviceRules(devices, privileged) },
      ...(devices.length > 0 ? { devices } : {}),
      ...(seccomp ? { seccomp } : {}),
      ...(options.sysctl ? { sysctl: { ...options.sysctl } } : {}),
      ...(privileged ? {} : { maskedPaths: [...maskedPaths], readonlyPaths: [...readonlyPaths] }),
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
  for (const entry of [...defaults, ...image, ...env]) {
    const [name = ""] = entry.split("=", 1);
    if (entry.includes("=")) values.set(name, entry);
    else values.delete(name);
  }
  return [...values.values()];
}

function seccompOf(
  { privileged, seccomp = "default" }: ContainerSpecOptions,
  capabilities: readonly string[],
): SeccompSpec | undefined {
  if (typeof seccomp === "object") return seccomp;
  return privileged || seccomp === "unconfined" ? undefined : defaultSeccomp(capabilities);
}

function isLastAtItsPlace(mount: MountSpec, index: number, all: readonly MountSpec[]): boolean {
  return all.findLastIndex(({ destination }) => destination === mount.destination) === index;
}

/** Everything that this process may give away. */
export function privilegedCapabilities(): CapabilitiesSpec {
  const all = allCapabilities(boundingSet());
  return { bounding: all, effective: all, permitted: all };
}

function boundingSet(): string {
  return /^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
}

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
  "/proc/scsi",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
