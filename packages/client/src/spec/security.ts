import type { LinuxSpec, MountSpec, SeccompSpec } from "@slipway/oci/runtime-spec";
import { defaultSeccomp } from "./seccomp.ts";
import { checkSeccompProfile, parseSeccompProfile } from "./seccomp-profile.ts";

/** What keeps a container from its machine, and what lets it through. */
export interface SecurityOptions {
  /** Everything that root on the host may do. */
  readonly privileged?: boolean;
  readonly noNewPrivileges?: boolean;
  /** `default` is what a container has without it, but for a privileged one, which then has no filter. */
  readonly seccomp?: SeccompChoice;
  /** The name of a profile that is loaded on this machine. */
  readonly apparmorProfile?: string;
  /** `unconfined` to hide nothing of /proc and /sys. */
  readonly systemPaths?: "default" | "unconfined";
  /** Whether the container may write to its cgroups. */
  readonly writableCgroups?: boolean;
}

/** A filter of system calls: a profile in the runtime spec's format or Docker's, as an object or as JSON. */
export type SeccompChoice = "default" | "unconfined" | SeccompSpec | SeccompSource;

/** A profile whose conditions are decided by the container's capabilities. */
export interface SeccompSource {
  /** What messages call it, such as `seccomp profile "/etc/p.json"`. */
  readonly document: string;
  readonly json: string;
}

/**
 * The filter of a container with these capabilities; undefined if it has none.
 * @throws {Fault} `invalid_argument` for a profile that is not understood
 */
export function seccompOf(
  { privileged, seccomp }: SecurityOptions,
  capabilities: readonly string[],
): SeccompSpec | undefined {
  if (seccomp === "unconfined" || (seccomp === undefined && privileged)) return undefined;
  if (seccomp === undefined || seccomp === "default") return defaultSeccomp(capabilities);
  if (typeof seccomp === "object" && seccomp !== null && "json" in seccomp) {
    return parseSeccompProfile(seccomp.document, seccomp.json, capabilities);
  }
  return checkSeccompProfile(seccomp, capabilities);
}

/** The default mounts of a container, whose cgroups are read-only otherwise. */
export function withWritableCgroups(
  mounts: readonly MountSpec[],
  { writableCgroups = false }: SecurityOptions,
): readonly MountSpec[] {
  return writableCgroups ? mounts.map(writable) : mounts;
}

function writable(mount: MountSpec): MountSpec {
  if (mount.type !== "cgroup") return mount;
  return { ...mount, options: (mount.options ?? []).map((option) => (option === "ro" ? "rw" : option)) };
}

/** The parts of /proc and /sys that a container does not see, or may only read. */
export function hiddenPaths({
  privileged = false,
  systemPaths = "default",
}: SecurityOptions): Pick<LinuxSpec, "maskedPaths" | "readonlyPaths"> {
  if (privileged || systemPaths === "unconfined") return {};
  return { maskedPaths: [...maskedPaths], readonlyPaths: [...readonlyPaths] };
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
