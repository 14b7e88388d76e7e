import { join } from "node:path";
import type { Program } from "../support/daemon.ts";

/** One way to run a container: a daemon, a shim and an OCI runtime, and what is promised of them together. */
export interface Combination {
  readonly name: string;
  readonly daemon: Program;
  /** The runtime's name as clients say it. */
  readonly shim: string;
  /** Lines of the daemon's configuration that the shim needs. */
  readonly config?: string;
  /** The OCI runtime that the shim calls, by name or path: `BinaryName` in the options of runc's shim. */
  readonly binary: string;
  /** `SystemdCgroup` in those options. */
  readonly isSystemd: boolean;
  /** Whether the containers go on when their shim is killed. Others are killed, which is told. */
  readonly outlivesShim: boolean;
  /** Whether the daemon may take a task that ended while it was away for one that never was: containerd does, from 1.7 on. */
  readonly mayForgetEnded?: boolean;
  /** Whether the runtime has a kernel of its own: the host sees one process of each container, and not its state. */
  readonly isSandboxed?: boolean;
}

const goShim = "/usr/bin/containerd-shim-runc-v2";

type Sides = Omit<Combination, "binary" | "isSystemd">;

/** Our shim under our daemon: what users have. */
export const ours: Sides = {
  name: "our shim under slipwayd",
  daemon: "slipwayd",
  shim: "io.containerd.runc.v2",
  outlivesShim: true,
};

/** Debian's shim, written in Go, under our daemon, called by the name that is ours otherwise. */
export const goShimUnderOurs: Sides = {
  name: "Debian's shim under slipwayd",
  daemon: "slipwayd",
  shim: "io.containerd.runc.v2",
  config: `[plugins."io.containerd.runtime.v2.task".shim_binaries]\n"io.containerd.runc.v2" = "${goShim}"`,
  outlivesShim: false,
};

/** The same, called by its path: no configuration. */
export const goShimByPath: Sides = {
  name: "Debian's shim, by its path, under slipwayd",
  daemon: "slipwayd",
  shim: goShim,
  outlivesShim: false,
};

/** Our shim under Debian's containerd, which finds it on the PATH. */
export const oursUnderContainerd: Sides = {
  name: "our shim under containerd",
  daemon: "containerd",
  shim: "io.containerd.slipway.v1",
  outlivesShim: false,
  mayForgetEnded: true,
};

/** gVisor's runtime, with a platform that needs no more than ptrace(2). Debian has no shim of gVisor's, only this. */
export const gvisor = join(import.meta.dirname, "runsc-ptrace");
