import { join } from "node:path";
import { type Figures, readKeyValues, readNumber, readText } from "./files.ts";
import { hugePageSizes } from "./huge-pages.ts";
import { type Pressure, readPressure } from "./pressure.ts";
import { type RdmaEntry, readRdma } from "./rdma.ts";

/** Figures of a cgroup of version 2, under the kernel's names. Memory in bytes; no limit is the largest of 64 bits. */
export interface UnifiedStats {
  readonly cpu: Figures;
  readonly memory: {
    readonly stat: Figures;
    readonly events: Figures;
    readonly current: bigint;
    readonly max: bigint;
    readonly peak: bigint;
    readonly swap: { readonly current: bigint; readonly max: bigint; readonly peak: bigint };
  };
  readonly pids: { readonly current: bigint; readonly max: bigint };
  readonly io: readonly UnifiedIoEntry[];
  readonly hugetlb: readonly UnifiedHugetlb[];
  readonly rdma: { readonly current: readonly RdmaEntry[]; readonly max: readonly RdmaEntry[] };
  readonly pressure: Readonly<Record<"cpu" | "memory" | "io", Pressure | undefined>>;
}

export interface UnifiedHugetlb {
  /** Such as `2MB`. */
  readonly pagesize: string;
  readonly current: bigint;
  readonly max: bigint;
  /** How often more was wanted than there may be. */
  readonly failcnt: bigint;
}

export interface UnifiedIoEntry {
  readonly major: bigint;
  readonly minor: bigint;
  readonly rbytes: bigint;
  readonly wbytes: bigint;
  readonly rios: bigint;
  readonly wios: bigint;
}

/** By the cgroup's folder. What it lacks is 0, or not there. */
export function unifiedStats(path: string): UnifiedStats {
  const number = (name: string): bigint => readNumber(join(path, name));
  const figures = (name: string): Figures => readKeyValues(join(path, name));
  const pressure = (name: string): Pressure | undefined => readPressure(join(path, `${name}.pressure`));
  return {
    cpu: figures("cpu.stat"),
    memory: {
      stat: figures("memory.stat"),
      events: figures("memory.events"),
      current: number("memory.current"),
      max: number("memory.max"),
      peak: number("memory.peak"),
      swap: {
        current: number("memory.swap.current"),
        max: number("memory.swap.max"),
        peak: number("memory.swap.peak"),
      },
    },
    pids: { current: number("pids.current"), max: number("pids.max") },
    io: parseIoStat(readText(join(path, "io.stat")) ?? ""),
    hugetlb: hugePageSizes().map((pagesize) => ({
      pagesize,
      current: number(`hugetlb.${pagesize}.current`),
      max: number(`hugetlb.${pagesize}.max`),
      failcnt: figures(`hugetlb.${pagesize}.events`).get("max") ?? 0n,
    })),
    rdma: { current: readRdma(join(path, "rdma.current")), max: readRdma(join(path, "rdma.max")) },
    pressure: { cpu: pressure("cpu"), memory: pressure("memory"), io: pressure("io") },
  };
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" a line.
function parseIoStat(text: string): UnifiedIoEntry[] {
  return [...text.matchAll(/^(\d+):(\d+) (.*=.*)$/gm)].map(([, major = "0", minor = "0", pairs = ""]) => {
    const value = (name: string): bigint => BigInt(new RegExp(`\\b${name}=(\\d+)`).exec(pairs)?.[1] ?? 0);
    return {
      major: BigInt(major),
      minor: BigInt(minor),
      rbytes: value("rbytes"),
      wbytes: value("wbytes"),
      rios: value("rios"),
      wios: value("wios"),
    };
  });
}
