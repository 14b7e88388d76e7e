import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DaemonOptions, Program } from "../../test/support/daemon.ts";

// What scripts/test.sh fetches: a later Debian's containerd, ctr and mkfs.erofs.
const tools = join(import.meta.dirname, "../../.tools/bin");
const path = `${tools}:${process.env["PATH"]}`;

/** The `ctr` that all daemons are pulled with: the latest that is there. */
export const ctr = existsSync(join(tools, "ctr")) ? join(tools, "ctr") : "ctr";

/** A daemon, and the way in which it keeps layers. */
export interface Contender {
  readonly program: Program;
  readonly snapshotter: string;
  readonly options: DaemonOptions;
}

function slipwayd(format: "erofs" | "directory"): Contender {
  const config = `[plugins."io.containerd.snapshotter.v1.overlayfs"]\nlayer_format = "${format}"\n`;
  return { program: "slipwayd", snapshotter: "overlayfs", options: { config } };
}

// Unknown to containerd before 2.2: then layers are unpacked one after the other.
const erofsConfig = `
[plugins."io.containerd.service.v1.diff-service"]
default = ["erofs", "walking"]
[plugins."io.containerd.transfer.v1.local"]
max_concurrent_unpacks = 2
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
platform = "linux/amd64"
snapshotter = "erofs"
differ = "erofs"
`;

/** By name. `containerd` is as it comes; `containerd-erofs` is its strongest form, which has to be asked for. */
export const contenders = {
  containerd: { program: "containerd", snapshotter: "overlayfs", options: { env: { PATH: path } } },
  "containerd-erofs": {
    program: "containerd",
    snapshotter: "erofs",
    options: { env: { PATH: path }, config: erofsConfig },
  },
  slipwayd: slipwayd("erofs"),
  "slipwayd-directories": slipwayd("directory"),
} satisfies Record<string, Contender>;

export type ContenderName = keyof typeof contenders;
