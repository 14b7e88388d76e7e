import { join } from "node:path";
import { hugePageSizes } from "./huge-pages.ts";
import { type Figures, readKeyValues, readNumber, readText } from "./files.ts";
import { type RdmaEntry, readRdma } from "./rdma.ts";

/** Figures of a container's cgroups of version 1: CPU in nanoseconds, memory in bytes. */
export interface LegacyStats {
  readonly cpu: {
    readonly totalNs: bigint;
    readonly userNs: bigint;
    readonly systemNs: bigint;
    readonly perCpuNs: readonly bigint[];
    readonly periods: bigint;
    readonly throttledPeriods: bigint;
    readonly throttledNs: bigint;
  };
  readonly memory: {
    readonly usage: LegacyMemory;
    /** With what was swapped. */
    readonly swap: LegacyMemory;
    readonly kernel: LegacyMemory;
    readonly kernelTcp: LegacyMemory;
    /** memory.stat. */
    readonly stat: Figures;
    /** memory.oom_control. */
    readonly events: Figures;
  };
  readonly pids: { readonly current: bigint; readonly limit: bigint };
  readonly io: readonly LegacyIoEntry[];
  readonly hugetlb: readonly LegacyHugetlb[];
  readonly rdma: { readonly current: readonly RdmaEntry[]; readonly limit: readonly RdmaEntry[] };
}

export interface LegacyMemory {
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
  readonly limit: bigint;
}

export interface LegacyHugetlb {
  /** Such as `2MB`. */
  readonly pagesize: string;
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
}

export interface LegacyIoEntry {
  readonly major: bigint;
  readonly minor: bigint;
  /** In lower case, such as `read`. */
  readonly operation: string;
  readonly bytes: bigint;
  readonly operations: bigint;
}

/** By the controllers' folders. What a controller lacks is 0. */
export function legacyStats(paths: ReadonlyMap<string, string>): LegacyStats {
  const file = (controller: string, name: string): string =>
    join(paths.get(controller) ?? "/nonexistent", name);
  const memory = (prefix: string): LegacyMemory => ({
    usage: readNumber(file("memory", `${prefix}.usage_in_bytes`)),
    max: readNumber(file("memory", `${prefix}.max_usage_in_bytes`)),
    failcnt: readNumber(file("memory", `${prefix}.failcnt`)),
    limit: readNumber(file("memory", `${prefix}.limit_in_bytes`)),
  });
  const throttling = readKeyValues(file("cpu", "cpu.stat"));
  const times = readKeyValues(file("cpuacct", "cpuacct.stat"));
  const perCpu = (readText(file("cpuacct", "cpuacct.usage_percpu")) ?? "").trim();
  return {
    cpu: {
      totalNs: readNumber(file("cpuacct", "cpuacct.usage")),
      userNs: (times.get("user") ?? 0n) * NS_A_TICK,
      systemNs: (times.get("system") ?? 0n) * NS_A_TICK,
      perCpuNs: perCpu === "" ? [] : perCpu.split(" ").map(BigInt),
      periods: throttling.get("nr_periods") ?? 0n,
      throttledPeriods: throttling.get("nr_throttled") ?? 0n,
      throttledNs: throttling.get("throttled_time") ?? 0n,
    },
    memory: {
      usage: memory("memory"),
      swap: memory("memory.memsw"),
      kernel: memory("memory.kmem"),
      kernelTcp: memory("memory.kmem.tcp"),
      stat: readKeyValues(file("memory", "memory.stat")),
      events: readKeyValues(file("memory", "memory.oom_control")),
    },
    pids: {
      current: readNumber(file("pids", "pids.current")),
      limit: readNumber(file("pids", "pids.max"), { max: 0n }),
    },
    io: legacyIo(
      file("blkio", "blkio.throttle.io_service_bytes"),
      file("blkio", "blkio.throttle.io_serviced"),
    ),
    hugetlb: hugePageSizes().map((pagesize) => ({
      pagesize,
      usage: readNumber(file("hugetlb", `hugetlb.${pagesize}.usage_in_bytes`)),
      max: readNumber(file("hugetlb", `hugetlb.${pagesize}.max_usage_in_bytes`)),
      failcnt: readNumber(file("hugetlb", `hugetlb.${pagesize}.failcnt`)),
    })),
    rdma: {
      current: readRdma(file("rdma", "rdma.current")),
      limit: readRdma(file("rdma", "rdma.max")),
    },
  };
}
// USER_HZ is 100 on every Linux that Node runs on.
const NS_A_TICK = 10_000_000n;

function legacyIo(bytesFile: string, operationsFile: string): LegacyIoEntry[] {
  const operations = new Map(parseBlkio(operationsFile).map(({ key, value }) => [key, value]));
  return parseBlkio(bytesFile).map(({ key, major, minor, operation, value }) => ({
    major,
    minor,
    operation,
    bytes: value,
    operations: operations.get(key) ?? 0n,
  }));
}

function parseBlkio(
  path: string,
): { key: string; major: bigint; minor: bigint; operation: string; value: bigint }[] {
  return (readText(path) ?? "").split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (!match) return [];
    const [, major = "0", minor = "0", operation = "", value = "0"] = match;
    const key = `${major}:${minor} ${operation}`;
    return [
      {
        key,
        major: BigInt(major),
        minor: BigInt(minor),
        operation: operation.toLowerCase(),
        value: BigInt(value),
      },
    ];
  });
}
