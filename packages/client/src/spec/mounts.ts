import { existsSync } from "node:fs";
import type { MountSpec } from "@slipway/oci/runtime-spec";

/** containerd's pkg/oci/mounts.go, without the tmpfs on /run, which Docker's images do not expect. */
export function defaultMounts({ privileged }: { readonly privileged: boolean }): MountSpec[] {
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
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [access, "nosuid", "noexec", "nodev"],
    },
  ];
}

/** What a container in the host's network needs to resolve names as the host does. */
export function hostNetworkMounts(): MountSpec[] {
  return ["/etc/resolv.conf", "/etc/hosts"].filter(existsSync).map((path) => ({
    destination: path,
    type: "bind",
    source: path,
    options: ["bind", "rprivate"],
  }));
}
