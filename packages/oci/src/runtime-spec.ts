/*
 * The part of the OCI runtime spec that is made and read here, in the spec's own words:
 * https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */

export interface RuntimeSpec {
  ociVersion: string;
  root: { path: string; readonly?: boolean };
  process: ProcessSpec;
  hostname?: string;
  domainname?: string;
  mounts: MountSpec[];
  hooks?: Record<string, unknown>;
  annotations?: Record<string, string>;
  linux: LinuxSpec;
}

export interface ProcessSpec {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user: UserSpec;
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: CapabilitiesSpec;
  rlimits?: RlimitSpec[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  oomScoreAdj?: number;
}

export interface UserSpec {
  uid: number;
  gid: number;
  umask?: number;
  additionalGids?: number[];
}

export interface CapabilitiesSpec {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

export interface RlimitSpec {
  type: string;
  /** Beyond 2^53, as RLIM_INFINITY is, a bigint. */
  hard: number | bigint;
  soft: number | bigint;
}

export interface MountSpec {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
}

export interface LinuxSpec {
  namespaces: { type: NamespaceKind; path?: string }[];
  cgroupsPath?: string;
  resources: ResourcesSpec;
  devices?: DeviceSpec[];
  seccomp?: SeccompSpec;
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: string;
}

export type NamespaceKind = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

export interface ResourcesSpec {
  devices?: DeviceRuleSpec[];
  /** Beyond 2^53, as others write for no limit, a bigint. */
  memory?: {
    limit?: number | bigint;
    reservation?: number | bigint;
    swap?: number | bigint;
    swappiness?: number;
  };
  cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string };
  pids?: { limit: number };
}

export interface DeviceRuleSpec {
  allow: boolean;
  type?: string;
  major?: number;
  minor?: number;
  access?: string;
}

export interface DeviceSpec {
  path: string;
  type: string;
  major: number;
  minor: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface SeccompSpec {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SyscallRuleSpec[];
}

export interface SyscallRuleSpec {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}
