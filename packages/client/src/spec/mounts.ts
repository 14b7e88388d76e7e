import { existsSync, statfsSync } from "node:fs";
import type { MountSpec } from "@slipway/oci/runtime-spec";

/** What is mounted for System V and POSIX messages and shared memory: the container's own, the host's, or no memory. */
export type IpcMode = "private" | "host" | "none";

export interface DefaultMountsOptions {
  readonly privileged: boolean;
  readonly ipc: IpcMode;
}

/** containerd's pkg/oci/mounts.go, without the tmpfs on /run, which Docker's images do not expect. */
export function defaultMounts({ privileged, ipc }: DefaultMountsOptions): MountSpec[] {
  const access = privileged ? "rw" : "ro";
  return [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    ...ipcMounts(ipc),
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [access, "nosuid", "noexec", "nodev"],
    },
  ];
}

function ipcMounts(mode: IpcMode): MountSpec[] {
  const options = ["nosuid", "noexec", "nodev"];
  const shm = { destination: "/dev/shm", type: "tmpfs", source: "shm" };
  const mqueue = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options };
  if (mode === "none") return [mqueue];
  if (mode === "private") return [{ ...shm, options: [...options, "mode=1777", "size=65536k"] }, mqueue];
  return [hostDirectory("/dev/shm"), isMqueue("/dev/mqueue") ? hostDirectory("/dev/mqueue") : mqueue];
}

function hostDirectory(path: string): MountSpec {
  return { destination: path, type: "bind", source: path, options: ["rbind", "nosuid", "noexec", "nodev"] };
}

/** MQUEUE_MAGIC of the kernel's ipc/mqueue.c. */
const mqueueMagic = 0x19_80_02_02;

function isMqueue(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === mqueueMagic;
}
