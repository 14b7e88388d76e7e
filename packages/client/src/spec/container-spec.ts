import { readFileSync } from "node:fs";
import type { ImageConfig } from "@slipway/oci/image";
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
import { Fault } from "@slipway/fault/fault";
import { allCapabilities, capabilitiesOf } from "./capabilities.ts";
import { deviceRules, hostDevices } from "./devices.ts";
import { defaultMounts } from "./mounts.ts";
import { defaultSeccomp } from "./seccomp.ts";

/** What a container is to be, beyond what its image says. */
export interface ContainerSpecOptions {
  readonly id: string;
  readonly namespace: string;
  /** The image's config: gives what the other options leave out. */
  readonly image?: ImageConfig;
  /** Replaces the image's command. */
  readonly args?: readonly string[];
  /** Replaces the image's entry point, and with it the image's command. */
  readonly entrypoint?: readonly string[];
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
      args: argsOf(options),
      env: environmentOf(image?.config?.Env ?? [], options),
      cwd: options.cwd ?? (image?.config?.WorkingDir || "/"),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: options.rlimits?.length
        ? [...options.rlimits]
        : [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
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

/** @throws {Fault} `invalid_argument` when neither the image nor the caller says what to run */
function argsOf({ args, entrypoint, image }: ContainerSpecOptions): string[] {
  const { Entrypoint, Cmd } = image?.config ?? {};
  const command = args?.length ? args : entrypoint === undefined ? (Cmd ?? []) : [];
  const all = [...(entrypoint ?? Entrypoint ?? []), ...command];
  if (all.length === 0) throw new Fault("invalid_argument", "no arguments specified");
  return all;
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
