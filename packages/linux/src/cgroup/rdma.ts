import { readText } from "./files.ts";

/** What a cgroup has, or may have, of a device for remote access to memory. */
export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
}

const UNLIMITED = 0xffff_ffff;

/** `rdma.current` or `rdma.max`: `mlx4_0 hca_handle=2 hca_object=max` a line. Empty without such devices. */
export function readRdma(path: string): RdmaEntry[] {
  return [...(readText(path) ?? "").matchAll(/^(\S+) hca_handle=(\d+|max) hca_object=(\d+|max)$/gm)].map(
    ([, device = "", handles, objects]) => ({
      device,
      hcaHandles: numberOf(handles),
      hcaObjects: numberOf(objects),
    }),
  );
}

function numberOf(text = "0"): number {
  return text === "max" ? UNLIMITED : Number(text);
}
